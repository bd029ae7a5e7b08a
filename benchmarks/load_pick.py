"""`make bench-load`: what an application waits for when it loads a family and picks from it.

Cold is the first time in a process, with the file of the manifest and of the model in the page
cache: read, parsed, hashed, loaded and run once. Warm is every later time, while a model of the
same file is held. What Python takes to import EdgeFacet and the runtime comes before both, and is
told apart.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

import click

from benchmarks.bars import bar
from benchmarks.rows import Row, as_lines

RESULTS = Path("benchmarks/results/load.jsonl")
MAX_COLD_MS, MAX_WARM_US = 50.0, 100.0
WARM, ROUNDS = 20, 101  # calls a round; few, so that most rounds are not interrupted
_NS_PER_MS, _NS_PER_US = 1e6, 1e3


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--family", type=click.Path(path_type=Path), default=Path("results/family"), show_default=True
)
@click.option("--processes", type=click.IntRange(1), default=11, show_default=True)
@click.option("--one", help="Of this runtime, in this process.", hidden=True)
def main(family: Path, processes: int, one: str | None) -> None:
    """Medians per runtime, of processes apart, printed and kept; earlier ones are replaced."""
    if one:
        click.echo(json.dumps(measure(family, one)))
        return
    from edge.device import describe
    from edge.family import Family
    from edge.files import write_atomic

    conditions = {"device": describe().fingerprint, "processes": processes}
    rows: list[Row] = []
    for runtime in sorted({t.runtime for t in Family.load(family).manifest.targets}):
        found = [_apart(family, runtime) for _ in range(processes)]
        figures = {name: round(median(one[name] for one in found), 2) for name in found[0]}
        rows.append({**conditions, "runtime": runtime, **figures})
        click.echo("\n".join([*(f"{k}: {v}" for k, v in rows[-1].items()), *bars(rows[-1])]))
    write_atomic(RESULTS, as_lines(rows))


def bars(row: Row) -> list[str]:
    """What was aimed at and whether it is met, a line each."""
    cold_ms, warm_us = row["cold_ms"], row["warm_us"]
    name = row["runtime"]
    return [
        bar(cold_ms <= MAX_COLD_MS, f"cold, {name}: {cold_ms:.1f} ms", MAX_COLD_MS, "ms"),
        bar(warm_us <= MAX_WARM_US, f"warm, {name}: {warm_us:.1f} µs", MAX_WARM_US, "µs"),
    ]


def measure(family: Path, runtime: str) -> Mapping[str, float]:
    """Of this process: milliseconds, and microseconds of a warm call."""
    began_ns = time.perf_counter_ns()
    from edge.family import Family
    from edge.model import pick
    from edge.runtimes import get_runtime

    imported_ns = time.perf_counter_ns()
    get_runtime(runtime).prepare()
    ready_ns = time.perf_counter_ns()
    loaded = Family.load(family)
    target = next(t for t in loaded.manifest.targets if t.runtime == runtime)
    model = pick(loaded, 1e3, target=target)
    cold_ns = time.perf_counter_ns() - ready_ns
    kept = model
    rounds_ns = []
    for _ in range(ROUNDS):
        began_round_ns = time.perf_counter_ns()
        for _ in range(WARM):
            kept = pick(Family.load(family), 1e3, target=target)
        rounds_ns.append((time.perf_counter_ns() - began_round_ns) / WARM)
    assert kept.build_ms == model.build_ms, "it was loaded again"
    return {
        "import_ms": (imported_ns - began_ns) / _NS_PER_MS,
        "runtime_ms": (ready_ns - imported_ns) / _NS_PER_MS,
        "cold_ms": cold_ns / _NS_PER_MS,
        "of_which_build_ms": model.build_ms,
        "warm_us": median(rounds_ns) / _NS_PER_US,
    }


def _apart(family: Path, runtime: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.load_pick", "--family", str(family)]
    done = subprocess.run([*command, "--one", runtime], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
