"""`make bench-pick`: does serving keep its budget, in made-up scenarios and beside real load?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks.pick import protocol
from benchmarks.pick.bookkeeping import bookkeeping_us
from benchmarks.pick.policies import compare
from benchmarks.pick.results import HEAD, bars, bookkeeping_bar, cells, row, sum_of
from benchmarks.pick.scenarios import SCENARIOS, draw
from benchmarks.rows import Row, as_lines, read
from edge.device import describe
from edge.errors import EdgeError
from edge.files import write_atomic
from edge.text import table

RESULTS = Path("benchmarks/results/pick.jsonl")
SIMULATED, REAL, BOOKKEEPING = "simulated", "real", "bookkeeping"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--part",
    "parts",
    multiple=True,
    type=click.Choice([SIMULATED, BOOKKEEPING, REAL]),
    help="Only this part; its earlier rows are replaced.",
)
@click.option(
    "--family",
    type=click.Path(path_type=Path),
    default=Path("results/family"),
    show_default=True,
    help="Whose members run beside real load.",
)
@click.option("--runtime", default="onnxruntime", show_default=True, help="For real load.")
def main(parts: Sequence[str], family: Path, runtime: str) -> None:
    """Compare serving with fixed members and with an oracle.

    Made-up boards slow down in six ways; then real members run in turns while other processes come
    and go. The second part takes ten minutes, and nothing else should run meanwhile.
    """
    try:
        for part in parts or (SIMULATED, BOOKKEEPING, REAL):
            rows = _measure(part, family, runtime)
            kept = [one for one in read(RESULTS) if one["part"] != part]
            write_atomic(RESULTS, as_lines([*kept, *rows]))
            click.echo(_text(part, rows))
    except EdgeError as error:
        raise click.ClickException(str(error)) from error


def _measure(part: str, family: Path, runtime: str) -> list[Row]:
    if part == SIMULATED:
        return simulate()
    if part == BOOKKEEPING:
        return [{"part": part, "device": describe().fingerprint, "us": round(bookkeeping_us(), 2)}]
    from benchmarks.pick.real import measure

    return measure(family, runtime)


def simulate() -> list[Row]:
    """Every scenario at every rate and budget, over all seeds."""
    rows = []
    for name in SCENARIOS:
        for rate_hz, seconds in protocol.RATES:
            for budget_ms in protocol.BUDGETS_MS:
                runs = (draw(name, seed, rate_hz, seconds) for seed in protocol.SEEDS)
                found = [compare(protocol.MEMBERS, run, budget_ms) for run in runs]
                rows += [
                    row(SIMULATED, name, sum_of(of), rate_hz=rate_hz, budget_ms=budget_ms)
                    for of in zip(*found, strict=True)
                ]
    return rows


def _text(part: str, rows: Sequence[Row]) -> str:
    if part == BOOKKEEPING:
        return bookkeeping_bar(rows[0]["us"])
    return "\n".join([table(HEAD, cells(rows)), *bars(rows)])


if __name__ == "__main__":
    main()
