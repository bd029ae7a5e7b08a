"""Does the harness cost anything? Its median against a bare loop and against MLPerf LoadGen.

    python -m benchmarks.harness        or: make bench-harness

`edge.bench.measure` runs as always; between two of its blocks every rival times the same model
for as long, in a process of its own. Two processes differ by where their memory lies, so
everything is started anew for every repetition, and the noise is the spread between repetitions.
The control is a second bare loop: it shows how well two equal things can agree here.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import util
from pathlib import Path

import click
import numpy as np

from benchmarks.networks import Size, export
from benchmarks.rows import as_lines
from edge.bench import Failure, Job, Protocol, measure
from edge.device import describe
from edge.errors import EdgeError
from edge.files import sha256_of, write_atomic
from edge.record import Subject
from edge.statistics import t_quantile
from edge.target import make_target
from edge.text import fill, table

ROOT = Path(__file__).parents[1]
RUNTIMES = ("onnxruntime", "litert")
HARNESS, BARE, CONTROL, LOADGEN = "harness", "bare loop", "control", "LoadGen"
MODULES = {
    BARE: "benchmarks.rivals.bare",
    CONTROL: "benchmarks.rivals.bare",
    LOADGEN: "benchmarks.rivals.loadgen",
}
# Whose median over whose, and by how much it may differ from one; None: nothing is demanded.
COMPARISONS: Mapping[Size, Sequence[tuple[str, str, float | None]]] = {
    "small": ((HARNESS, BARE, 0.03), (CONTROL, BARE, None)),
    "large": ((HARNESS, BARE, 0.01), (CONTROL, BARE, None), (HARNESS, LOADGEN, 0.03)),
}
BLOCK_S: Mapping[Size, float] = {"small": 0.3, "large": 1.0}
Medians = dict[str, list[float]]  # who measured → ns of every round


class BenchmarkError(EdgeError, RuntimeError):
    """The comparison could not be made."""


@dataclass(frozen=True)
class Agreement:
    """Median over median: ratio ± half of its 95 % interval, and what was demanded."""

    model: str
    runtime: str
    ours: str
    theirs: str
    median_ms: float  # of theirs
    ratio: float
    half: float
    bar: float | None

    @property
    def verdict(self) -> str:
        """Whether the whole interval keeps the bar, or none of it; else noise hides the answer."""
        if self.bar is None:
            return ""
        off = abs(self.ratio - 1)
        if off + self.half <= self.bar:
            return "holds"
        return "fails" if off - self.half > self.bar else "unclear"


def agree(
    ours_ns: Sequence[Sequence[float]], theirs_ns: Sequence[Sequence[float]]
) -> tuple[float, float]:
    """(ratio, half of its 95 % interval) of medians, [repetition][round] in ns.

    Blocks of one round are neighbours in time, so that their ratio is free of drift. Of a
    repetition counts the median over its rounds; the interval is Student's t over repetitions,
    two at least.
    """
    pairs = zip(ours_ns, theirs_ns, strict=True)
    ratios = np.array([np.median(np.divide(ours, theirs)) for ours, theirs in pairs])
    deviation = ratios.std(ddof=1) / np.sqrt(len(ratios))
    return float(ratios.mean()), float(t_quantile(0.95, len(ratios) - 1) * deviation)


class Rival:
    """A process of `benchmarks.rivals` that has loaded the model, as a context manager."""

    def __init__(self, module: str, runtime: str, path: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, runtime, str(path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def block(self, seconds: float) -> float:
        """The median in ns of running the model for `seconds`. Raises BenchmarkError."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise BenchmarkError("a rival ended: see what it said above")
        return float(answer)

    def __enter__(self) -> Rival:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def repetition(
    path: Path, runtime: str, rivals: Sequence[str], rounds: int, block_s: float
) -> Medians:
    """The median of every round, of the harness and of each rival, all of them started anew."""
    job = Job(Subject(kind="file", name=path.stem, sha256=sha256_of(path)), path)
    target = make_target(runtime, threads=1, precision="fp32")
    medians: Medians = {name: [] for name in rivals}
    with contextlib.ExitStack() as stack:
        running = {n: stack.enter_context(Rival(MODULES[n], runtime, path)) for n in rivals}

        def after_block(_done: int, _total: int) -> None:
            for name, rival in running.items():
                medians[name].append(rival.block(block_s))

        protocol = Protocol(blocks=rounds, block_s=block_s)
        (result,) = measure([job], target, protocol, progress=after_block)
    if isinstance(result, Failure):
        raise BenchmarkError(str(result))
    return {HARNESS: [float(np.median(block)) for block in result.samples_ns], **medians}


def compare(size: Size, runtime: str, path: Path, repetitions: int, rounds: int) -> list[Agreement]:
    """Every comparison of this size whose rival is installed."""
    wanted = [one for one in COMPARISONS[size] if one[1] != LOADGEN or _loadgen_is_installed()]
    rivals = list(dict.fromkeys(name for one in wanted for name in one[:2] if name != HARNESS))
    found = [repetition(path, runtime, rivals, rounds, BLOCK_S[size]) for _ in range(repetitions)]
    agreements = []
    for ours, theirs, bar in wanted:
        of_theirs = [one[theirs] for one in found]
        ratio, half = agree([one[ours] for one in found], of_theirs)
        median_ms = float(np.median(of_theirs)) / 1e6
        agreements.append(Agreement(size, runtime, ours, theirs, median_ms, ratio, half, bar))
    return agreements


def to_text(agreements: Sequence[Agreement]) -> str:
    """A table; medians in ms, differences and bars in percent."""
    head = ["median of", "model", "runtime", "latter\nms", "differs\n%", "±\n%", "bar\n%", ""]
    rows = [
        [
            *(f"{one.ours} / {one.theirs}", one.model, one.runtime),
            f"{one.median_ms:.3f}",
            f"{100 * (one.ratio - 1):+.2f}",
            f"{100 * one.half:.2f}",
            "" if one.bar is None else f"{100 * one.bar:g}",
            one.verdict,
        ]
        for one in agreements
    ]
    return table(head, rows, names=3)


def to_lines(agreements: Sequence[Agreement]) -> str:
    """One object of JSON a line."""
    device = describe().fingerprint
    return as_lines({"device": device, **asdict(one), "verdict": one.verdict} for one in agreements)


def _loadgen_is_installed() -> bool:
    return util.find_spec("mlperf_loadgen") is not None


@click.command()
@click.option("--repetitions", type=click.IntRange(2), default=5, show_default=True)
@click.option("--rounds", type=click.IntRange(3), default=7, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Write what is shown as JSON lines.")
def main(repetitions: int, rounds: int, out: Path | None) -> None:
    """Compare the harness with a bare loop and with MLPerf LoadGen, in about five minutes."""
    click.echo(fill(describe().fingerprint))
    if not _loadgen_is_installed():
        click.echo("LoadGen is not installed: pip install -e '.[bench]'", err=True)
    found: list[Agreement] = []
    with tempfile.TemporaryDirectory() as folder:
        for runtime in RUNTIMES:
            for size in COMPARISONS:
                click.echo(f"{size} on {runtime} ...", err=True)
                path = export(size, runtime, Path(folder))
                found += compare(size, runtime, path, repetitions, rounds)
                if out is not None:  # what was found outlives an interruption
                    write_atomic(out, to_lines(found))
    click.echo(to_text(found))


if __name__ == "__main__":
    main()
