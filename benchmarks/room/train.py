"""Train what was drawn: a row per network and seed, written as soon as its training ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.room.sample import Drawn
from benchmarks.rows import Row, append, read
from edge.files import sha256_of
from pipeline import dataset, store
from pipeline.parallel import in_processes
from pipeline.params import Params, RetrainParams
from pipeline.progress import Progress
from pipeline.retrain import Task, train_task
from pipeline.training import essentials


class _Job(NamedTuple):
    """A training, and all of its row that is known before it."""

    task: Task
    about: Row


def run(
    settings: Params,
    drawn: Sequence[Drawn],
    seeds: int,
    recipe: RetrainParams,
    images: int,
    out: Path,
    workers: int,
) -> list[Row]:
    """The rows of all networks with all seeds; those that the file `out` lacks are trained and
    added to it. `images` is how many test images there are."""
    jobs = list(_jobs(settings, drawn, seeds, recipe))
    known = read(out)
    missing = [job for job in jobs if find(known, job.about) is None]
    with store.locked("members"), Progress("room", len(missing)) as progress:
        for job, trained in zip(missing, _trained(missing, workers), strict=True):
            row = {**job.about, **trained, "test_images": images}
            append(out, row)
            known.append(row)
            progress.advance(f"{1e3 * row['predicted_ms']:.0f} µs, seed {row['seed']}")
    found = (find(known, job.about) for job in jobs)
    return [row for row in found if row is not None]


def find(rows: Iterable[Row], about: Mapping[str, object]) -> Row | None:
    """The first row that agrees with all of `about`."""
    return next((row for row in rows if all(row.get(k) == v for k, v in about.items())), None)


def _jobs(
    settings: Params, drawn: Sequence[Drawn], seeds: int, recipe: RetrainParams
) -> Iterator[_Job]:
    data_sha256 = sha256_of(dataset.DATASET_FILE)
    for one in drawn:  # one latency after another: some are soon complete
        for seed in range(seeds):
            seeded = recipe.model_copy(update={"seed": seed})
            task = Task(one.architecture.to_dict(), seeded, data_sha256)
            yield _Job(task, _about(settings, one, seeded))


def _about(settings: Params, one: Drawn, recipe: RetrainParams) -> Row:
    return {
        "data": settings.data.title,
        "space": settings.space.model_dump(mode="json"),
        "recipe": essentials(recipe),
        "latency_ms": round(one.latency_ms, 6),
        "predicted_ms": round(one.predicted_ms, 6),
        "architecture": one.architecture.key,
        "operations": dict(one.architecture.op_counts),
        "seed": recipe.seed,
    }


def _trained(jobs: Sequence[_Job], workers: int) -> Iterator[Row]:
    tasks = [job.task for job in jobs]
    yield from in_processes(_train, tasks, min(workers, max(1, len(tasks))))


def _train(task: Task) -> Row:
    if not task.path.exists():
        train_task(task)
    found = store.load(task.path)
    assert found is not None, task.path
    return {
        "holdout_accuracy": found["holdout_accuracy"],
        "test_accuracy": found["test_accuracy"],
        "cpu_s": round(found["cpu_s"], 1),
    }
