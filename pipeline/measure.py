"""Stage `profile`: measure every block and some whole networks into the latency table."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from edge import bench
from edge.bench import Failure, Job, Protocol
from edge.errors import EdgeError
from edge.files import sha256_of, write_atomic
from edge.record import Measurement, Target
from edge.table import Table
from pipeline import metrics, verdicts
from pipeline.data_shape import DataShape
from pipeline.formats import format_of, precision_of
from pipeline.params import Params, ProfileParams
from pipeline.progress import Progress
from pipeline.remote import BOARDS, LOCAL, Boards, Session
from pipeline.roster import Model, roster
from pipeline.space import make_space
from pipeline.store import STORE, locked
from pipeline.targets import read_target
from pipeline.untrained import build_files

FOLDER = Path("results/profile")
RECORDS_FILE = FOLDER / "records.jsonl"
JOURNAL = "session.journal"  # in the store


class ProfileError(EdgeError, RuntimeError):
    """Models that could not be measured."""


def run(params: Params, root: Path = Path(), boards: Boards = BOARDS) -> None:
    """Export, measure, and write the records, the table they make, and its metrics.

    Everything is read and written below `root`. Models and finished blocks of runs are kept in
    the store, so a killed run goes on; a board elsewhere keeps its own. Raises ProfileError, which
    lists the models that could not be measured, RemoteError, StaleTargets,
    and DataShapeError.
    """
    target = read_target(params, root)
    models = roster(make_space(params.space, DataShape.read(root)), params.profile)
    store = root / STORE
    with locked("profile", store):
        start = time.monotonic()
        jobs = untrained_jobs(models, target, params, store)
        exported = time.monotonic()
        results, forget = _measured(jobs, target, params, root, boards)
        measurements = _all_measured(results)
        timed = time.monotonic()
        seconds = {"export_s": exported - start, "timing_s": timed - exported}
        write(measurements, root, seconds)
        forget()
    _warn(measurements)


def write(measurements: Sequence[Measurement], root: Path, seconds: dict[str, float]) -> None:
    """Write the records, the table and the metrics below `root`. Raises TableError."""
    table = Table.from_measurements(measurements)
    table.write(root / FOLDER)
    write_atomic(root / RECORDS_FILE, "".join(m.to_json() + "\n" for m in measurements))
    numbers = {
        "blocks": len(table.rows),
        "networks": sum(m.subject.kind == "network" for m in measurements),
        "offset_ms": table.offset_ms,
        **{f"share_{name}": share for name, share in verdicts.shares(measurements).items()},
        **seconds,
    }
    metrics.write("profile", numbers, root)


def _warn(measurements: Sequence[Measurement]) -> None:
    doubtful = [m for m in measurements if not m.usable]
    if doubtful:
        lines = [
            f"warning: {len(doubtful)} of {len(measurements)} records are in doubt",
            *verdicts.doubts(doubtful),
            "for better ones let nothing else run, see `facet info`, then dvc repro -sf profile",
        ]
        print("\n  ".join(lines), file=sys.stderr)


def untrained_jobs(
    models: Sequence[Model], target: Target, params: Params, store: Path
) -> list[Job]:
    """Export models with untrained weights for `target`, or find them in the store."""
    paths = build_files(
        [model.layers for model in models],
        *(format_of(target.runtime).name, params.export, params.profile.workers, store),
        precision=precision_of(target),
    )
    return [Job(m.subject(sha256_of(path)), path) for m, path in zip(models, paths, strict=True)]


def protocol(params: ProfileParams) -> Protocol:
    """How blocks and untrained networks are measured."""
    return Protocol(warmup_s=params.warmup_s, blocks=params.blocks, block_s=params.block_s)


def session(
    jobs: Sequence[Job], target: Target, params: ProfileParams, journal: Path
) -> list[Measurement | Failure]:
    """Measure in one interleaved session; what is finished lies in `journal`, and is not measured
    again after a kill."""
    with Progress("timing", len(jobs) * params.blocks) as progress:
        return bench.measure(
            jobs,
            target,
            protocol(params),
            seed=params.seed,
            journal=journal,
            progress=lambda done, _total: progress.update(done),
        )


def _measured(
    jobs: Sequence[Job], target: Target, params: Params, root: Path, boards: Boards
) -> tuple[list[Measurement | Failure], Callable[[], object]]:
    """The results, here or on the board that the target names, and what to call when they are
    safe: only then is anything measured again."""
    store, profile, device = root / STORE, params.profile, params.target.device
    if device == LOCAL:
        journal = store / "profile" / JOURNAL
        results = session(jobs, target, profile, journal)
        return results, lambda: journal.unlink(missing_ok=True)
    ordered = Session("profile", device, target, jobs, protocol(profile), profile.seed)
    begun = boards.begin([ordered], root, store)
    (results,) = begun.results()
    return results, begun.forget


def _all_measured(results: Sequence[Measurement | Failure]) -> list[Measurement]:
    failures = [result for result in results if isinstance(result, Failure)]
    if failures:
        raise ProfileError(
            "\n  ".join([f"{len(failures)} of {len(results)} models failed:", *map(str, failures)])
            + "\nwithout them there is no table; `facet info` shows what the machine lacks"
        )
    return [result for result in results if isinstance(result, Measurement)]
