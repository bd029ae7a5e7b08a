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

WARM, ROUNDS = 20, 101  # calls a round; few, so that most rounds are not interrupted
_NS_PER_MS, _NS_PER_US = 1e6, 1e3


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--family", type=click.Path(path_type=Path), default=Path("results/family"), show_default=True
)
@click.option("--processes", type=click.IntRange(1), default=11, show_default=True)
@click.option("--one", help="Of this runtime, in this process.", hidden=True)
def main(family: Path, processes: int, one: str | None) -> None:
    """Print medians per runtime, of processes apart."""
    if one:
        click.echo(json.dumps(measure(family, one)))
        return
    from edge.device import describe
    from edge.family import Family

    click.echo(f"{describe().fingerprint}; medians of {processes} processes")
    for runtime in sorted({t.runtime for t in Family.load(family).manifest.targets}):
        rows = [_apart(family, runtime) for _ in range(processes)]
        figures = {name: median(row[name] for row in rows) for name in rows[0]}
        click.echo(f"{runtime}: " + ", ".join(f"{k} {v:.1f}" for k, v in figures.items()))


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
