"""``python -m experiments.references ROOT TASK NAME:WIDTH..`` in a folder with the data: train
hand-designed networks with the recipe and the seeds of the others.

Their rows lie among those of all networks, and `measure` times them in the same session.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click

from benchmarks.rows import append
from edge.files import sha256_of
from experiments import rows
from experiments.folder import TaskFolder
from experiments.settings import Settings
from experiments.workspace import for_networks
from models.network import count
from pipeline import dataset, params, store
from pipeline.parallel import in_processes
from pipeline.params import RetrainParams
from pipeline.progress import Progress
from pipeline.reference_nets import Reference, train_one
from pipeline.training import essentials


class _Job(NamedTuple):
    reference: Reference
    recipe: RetrainParams


def run(settings: Settings, task: TaskFolder, workers: int) -> None:
    """Train all references of a protocol that have no row yet."""
    options = [f"--workers={workers}", f"--seeds={settings.references.seeds}"]
    names = as_arguments(settings.references.networks)
    for_networks(settings, task).run(__name__, *task.arguments, *options, *names)


def as_arguments(references: Iterable[Reference]) -> list[str]:
    """For a command line that `of_arguments` reads."""
    return [f"{one.name}:{one.width}" for one in references]


def of_arguments(texts: Iterable[str]) -> list[Reference]:
    """What `as_arguments` wrote."""
    parts = (text.split(":") for text in texts)
    return [Reference(name, int(width)) for name, width in parts]


@click.command()
@click.argument("root", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.argument("task")
@click.argument("names", nargs=-1)
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
def main(root: Path, task: str, names: Sequence[str], seeds: int, workers: int) -> None:
    """Train the networks NAME:WIDTH that have no row yet."""
    train(of_arguments(names), params.load().retrain, TaskFolder(task, root), seeds, workers)


def train(
    references: Sequence[Reference],
    recipe: RetrainParams,
    folder: TaskFolder,
    seeds: int,
    workers: int,
) -> None:
    """A row for every reference and seed."""
    data_sha256 = sha256_of(dataset.DATASET_FILE)
    seeded = [recipe.model_copy(update={"seed": seed}) for seed in range(seeds)]
    jobs = {one.key(r, data_sha256): _Job(one, r) for one in references for r in seeded}
    known = {row["key"] for row in rows.of(rows.NETWORKS, folder)}
    missing = {key: job for key, job in jobs.items() if key not in known}
    work = partial(_trained, data_sha256=data_sha256)
    with store.locked("references"), Progress("references", len(missing)) as progress:
        done = in_processes(work, list(missing.values()), min(workers, max(1, len(missing))))
        for key, row in zip(missing, done, strict=True):
            append(folder.results / rows.NETWORKS, {"key": key, **row})
            progress.advance(row["architecture"])


def _trained(job: _Job, data_sha256: str) -> dict[str, Any]:
    found = train_one(job.reference, job.recipe, data_sha256)
    data = dataset.load()
    macs, parameters = count(found.network(data), data.input_shape)
    return {
        "architecture": str(job.reference),
        "reference": job.reference.name,
        "seed": job.recipe.seed,
        "recipe": essentials(job.recipe),
        "holdout_accuracy": found.holdout_accuracy,
        "test_accuracy": found.test_accuracy,
        "macs": macs,
        "parameters": parameters,
        "cpu_s": round(found.cpu_s, 1),
    }


if __name__ == "__main__":
    main()
