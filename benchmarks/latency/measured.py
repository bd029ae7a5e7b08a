"""Profile a space, and measure whole networks of it, twice.

Everything is kept in one folder: exported models, and the blocks of runs that are finished. A
killed benchmark goes on, and a finished one answers at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.latency.single_ops import operations
from benchmarks.latency.splits import Floats, Networks
from edge import bench
from edge.bench import Failure, Job, Protocol
from edge.errors import EdgeError
from edge.files import sha256_of, write_atomic
from edge.record import Measurement, Subject, Target, iter_networks
from edge.statistics import summarise
from edge.table import Table
from models.network import count, network
from models.spaces import Space
from pipeline.formats import format_of, precision_of
from pipeline.params import ExportParams, ProfileParams
from pipeline.progress import Progress
from pipeline.roster import roster
from pipeline.store import content_key
from pipeline.untrained import build_files

Recipe = Counter[Path]  # the files of a network's operations, and how often each occurs


class BenchmarkError(EdgeError, RuntimeError):
    """Models that could not be measured."""


@dataclass(frozen=True)
class Session:
    """What was measured, and for how many seconds models ran for the table and as networks."""

    target: Target
    networks: Networks
    records: Sequence[Measurement]
    table_s: float
    networks_s: float


def measure(
    space: Space, target: Target, params: ProfileParams, export: ExportParams, folder: Path
) -> Session:
    """Measure the blocks of `space`, `params.anchors` random networks, and what these are made of.

    All in one interleaved session; then the networks once more in another. Operations are measured
    where networks are ONNX files. Raises BenchmarkError, ExportError.
    """
    models = roster(space, params)
    kind = format_of(target.runtime).name
    layers = [model.layers for model in models]
    paths = build_files(
        *(layers, kind, export, params.workers, folder / "store"), precision=precision_of(target)
    )
    jobs = [Job(m.subject(sha256_of(path)), path) for m, path in zip(models, paths, strict=True)]
    wholes = [job for job in jobs if job.subject.role == "anchor"]
    recipes = [_recipe(job.path, folder / "operations") for job in wholes if kind == "onnx"]
    singles = [_single(path) for path in sorted({path for recipe in recipes for path in recipe})]
    records = _session([*jobs, *singles], target, params, 0, folder)
    again = _session(wholes, target, params, 1, folder)
    own, of_singles = records[: len(jobs)], records[len(jobs) :]
    ms = dict(zip((job.path for job in singles), _medians_ms(of_singles).tolist(), strict=True))
    sums = np.array([sum(n * ms[path] for path, n in recipe.items()) for recipe in recipes])
    return _summary(target, own, again, sums if recipes else None)


def _summary(
    target: Target,
    records: Sequence[Measurement],
    again: Sequence[Measurement],
    operations_ms: Floats | None,
) -> Session:
    wholes = [m for m in records if m.subject.role == "anchor"]
    pairs = list(iter_networks(wholes))
    macs = [count(network(architecture), architecture.input_shape)[0] for architecture, _ in pairs]
    return Session(
        target=target,
        networks=Networks(
            table=Table.from_measurements(records),
            pairs=pairs,
            macs=np.array(macs, np.float64),
            repeat_ms=_medians_ms(again),
            operations_ms=operations_ms,
        ),
        records=records,
        table_s=_seconds([m for m in records if m.subject.role != "anchor"]),
        networks_s=_seconds(wholes),
    )


def _session(
    jobs: Sequence[Job], target: Target, params: ProfileParams, number: int, folder: Path
) -> list[Measurement]:
    """One interleaved session: its journal is its result, and stays."""
    protocol = Protocol(warmup_s=params.warmup_s, blocks=params.blocks, block_s=params.block_s)
    with Progress(f"session {number + 1}", len(jobs) * params.blocks) as progress:
        results = bench.measure(
            jobs,
            target,
            protocol,
            seed=params.seed + number,
            journal=folder / f"{target.id}-{number}.journal",
            progress=lambda done, _: progress.update(done),
        )
    failures = [str(result) for result in results if isinstance(result, Failure)]
    if failures:
        raise BenchmarkError("\n  ".join(["models that could not be measured:", *failures]))
    return [result for result in results if isinstance(result, Measurement)]


def _recipe(path: Path, folder: Path) -> Recipe:
    """Write the operations of a network, those that are alike once."""
    import onnx

    recipe: Recipe = Counter()
    for operation in operations(onnx.load(path)):
        file = folder / f"{content_key(operation.key)}.onnx"
        if not file.exists():
            write_atomic(file, operation.model.SerializeToString(deterministic=True))
        recipe[file] += 1
    return recipe


def _single(path: Path) -> Job:
    return Job(Subject(kind="file", name=path.stem, sha256=sha256_of(path)), path)


def _medians_ms(records: Sequence[Measurement]) -> Floats:
    return np.array([summarise(m.samples_ns).median_ms for m in records])


def _seconds(records: Sequence[Measurement]) -> float:
    """That the models themselves ran, warm-up included."""
    return sum(sum(m.warmup_ns) + sum(map(sum, m.samples_ns)) for m in records) / 1e9
