"""Writes docs/benchmarks.md from the rows that the benchmarks left in benchmarks/results/."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks import load_pick
from benchmarks.latency.report import LENIENCE, bars
from benchmarks.latency.splits import BLOCKS, MACS, OURS, Score
from benchmarks.markdown import table
from benchmarks.pick import page as pick
from benchmarks.room.report import by_setting
from benchmarks.room.spread import ENOUGH
from benchmarks.rows import Row, read
from edge.files import write_atomic

PAGE = Path("docs/benchmarks.md")
RESULTS = Path("benchmarks/results")

_HEAD = """# Benchmarks

Written by `make docs` from the rows in `benchmarks/results/`, which the commands below append to or
replace. Every figure is of the machine that its section names, and of no other. Nothing else should
run while `bench-harness`, `bench-latency`, `bench-pick` or `bench-load` does.
"""


def main() -> None:
    """Write the page."""
    write_atomic(PAGE, page(RESULTS))


def page(results: Path) -> str:
    """All sections whose rows there are."""
    sections = [
        _harness(read(results / "harness.jsonl")),
        _latency(read(results / "latency.jsonl")),
        _steps(read(results / "search-steps.jsonl")),
        _room(read(results / "room.jsonl")),
        pick.section(read(results / "pick.jsonl")),
        _load(read(results / "load.jsonl")),
    ]
    return "\n".join([_HEAD, *(section for section in sections if section)])


def _harness(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    body = [
        (
            f"{row['ours']} / {row['theirs']}",
            f"{row['model']}, {row['runtime']}",
            f"{row['median_ms']:.3f}",
            f"{100 * (row['ratio'] - 1):+.2f} ± {100 * row['half']:.2f}",
            "" if row["bar"] is None else f"{100 * row['bar']:g}: {row['verdict']}",
        )
        for row in rows
    ]
    return f"""## Does the harness cost anything? `make bench-harness`

{rows[0]["device"]}.
Medians of the harness, of a bare loop over the runtime, and of MLPerf LoadGen
(single stream), interleaved in one run; "control" is the bare loop against itself.

{table(("medians of", "model", "ms", "differ by %", "bar %"), body)}"""


def _latency(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    text = f"""## How well is latency predicted? `make bench-latency`

Random networks of the default space, measured twice; each method sees n of them and predicts the
others, averaged over 200 random splits. "calibrated blocks" is what EdgeFacet does, "blocks" the
sum of the table, "MACs" a straight line. The interval is that of 90 %; ± is the standard error of
its coverage, as other networks would show it. Kendall is tau-b. The first two bars are
{LENIENCE["litert"]:g} times as high for litert, and the noise is added to them where it is above
1 %; the lines below say so.
"""
    for runtime in dict.fromkeys(row["target"]["runtime"] for row in rows):
        of_runtime = [row for row in rows if row["target"]["runtime"] == runtime]
        text += "\n" + _of_runtime(of_runtime)
    return text


def _of_runtime(rows: Sequence[Row]) -> str:
    target, noise = rows[0]["target"], rows[0]["noise_percent"]
    scores = [Score(**row["score"]) for row in rows]
    shown = [s for s in scores if s.method in (OURS, BLOCKS, f"{BLOCKS} × scale", MACS)]
    body = [
        (
            s.method,
            str(s.n),
            f"{s.error_percent:.2f}",
            f"{100 * s.within_5_percent:.1f}",
            f"{100 * s.within_10_percent:.1f}",
            "" if s.spearman is None else f"{s.spearman:.3f}",
            f"{s.kendall:.3f}",
            "" if s.coverage is None else f"{100 * s.coverage:.1f}",
        )
        for s in sorted(shown, key=lambda s: (s.n, s.error_percent))
    ]
    head = ("method", "n", "error %", "in 5 %", "in 10 %", "Spearman", "Kendall", "in interval %")
    drawing = f"latency-{target['runtime']}.svg"
    verdicts = "\n".join(f"- {line}" for line in bars(scores, noise, LENIENCE[target["runtime"]]))
    return f"""### {target["runtime"]} {target["runtime_version"]}

{target["device"]}, {target["precision"]}, {target["threads"]} thread.
{rows[0]["networks"]} networks; measuring one again differs by {noise:.2f} % on average.

![Error and coverage against the number of measured networks](../benchmarks/results/{drawing})

{table(head, body)}
{verdicts}
"""


def _steps(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    single = {(r["k"], r["decisions"]): r["step_s"] for r in rows if r["kind"] == "single-path"}
    body = [
        (
            row["kind"],
            str(row["k"]),
            str(row["decisions"]),
            f"{1e3 * row['step_s']:.0f}",
            f"{row['step_s'] / single[row['k'], row['decisions']]:.2f}",
            f"{row['peak_mib']:.0f}",
        )
        for row in rows
    ]
    head = ("what runs", "k", "decisions", "ms", "× single path", "peak MiB")
    return f"""## What does a step of the search cost? `make bench-search`

{rows[0]["device"]}, one thread. A step of the shared weights on 64 images of 28×28 pixels, by how
many of the k candidates of every decision run in it.

{table(head, body)}"""


def _room(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    text = f"""## What could a search win? `make bench-room`

Random networks of equal predicted latency, each trained with two or more seeds: "spread" is the
standard deviation of their mean test accuracies, "noise" that of networks which are equally good.
Below {ENOUGH:g} times the noise no method can be told from chance there.
"""
    return f"{text}\n{by_setting(rows)}"


def _load(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    names = ("import_ms", "runtime_ms", "cold_ms", "of_which_build_ms", "warm_us")
    body = [(row["runtime"], *(f"{row[name]:.1f}" for name in names)) for row in rows]
    head = ("runtime", "import ms", "runtime ms", "cold ms", "of which build ms", "warm µs")
    verdicts = "\n".join(f"- {line}" for row in rows for line in load_pick.bars(row))
    return f"""## What does an application wait for? `make bench-load`

{rows[0]["device"]}. Importing EdgeFacet and the runtime, then `Family.load(…).pick(…)` for the
first time, files verified and the network built, and every later time; medians of
{rows[0]["processes"]} processes.

{table(head, body)}
{verdicts}
"""


if __name__ == "__main__":
    main()
