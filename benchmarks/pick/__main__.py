"""`make bench-pick`: does serving keep its budget, in made-up scenarios and beside real load?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
@click.option("--again", is_flag=True, help="Measure what was measured of this family, too.")
def main(parts: Sequence[str], family: Path, runtime: str, again: bool) -> None:
    """Compare serving with fixed members and with an oracle.

    Made-up boards slow down in six ways; then real members run in turns while other processes come
    and go. The second part takes ten minutes, and nothing else should run meanwhile; where it was
    stopped, it goes on with the budget that it was at.
    """
    try:
        for part in parts or (SIMULATED, BOOKKEEPING, REAL):
            known = [] if again else [one for one in read(RESULTS) if one["part"] == part]
            rows: list[Row] = []
            for found in _measure(part, family, runtime, known):
                rows += found
                kept = [one for one in read(RESULTS) if one["part"] != part]
                write_atomic(RESULTS, as_lines([*kept, *rows]))
            click.echo(_text(part, rows))
    except EdgeError as error:
        raise click.ClickException(str(error)) from error


def _measure(part: str, family: Path, runtime: str, known: Sequence[Row]) -> Iterator[list[Row]]:
    """The rows of a part, all at once or some after the other."""
    if part == SIMULATED:
        yield simulate()
    elif part == BOOKKEEPING:
        us = round(bookkeeping_us(), 2)
        yield [{"part": part, "device": describe().fingerprint, "us": us}]
    else:
        from benchmarks.pick.real import measure

        yield from measure(family, runtime, known)


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
