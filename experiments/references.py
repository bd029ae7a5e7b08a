"""``python -m experiments.references ROOT TASK`` in a folder with the data: train hand-designed
networks with the recipe and the seeds of the others.

Their rows lie among those of all networks, and `measure` times them in the same session.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click

from benchmarks.rows import append
from edge.files import sha256_of
from experiments import rows
from experiments.folder import TaskFolder
from experiments.settings import References, Settings, load
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
    where = for_networks(settings, task)
    where.run(__name__, *task.arguments, f"--workers={workers}")


@click.command()
@click.argument("root", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.argument("task")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
def main(root: Path, task: str, workers: int) -> None:
    """Train the references of TASK below ROOT that have no row yet."""
    folder = TaskFolder(task, root)
    references = load(folder.protocol_file, root).references
    train(references, params.load().retrain, folder, workers)


def train(references: References, recipe: RetrainParams, folder: TaskFolder, workers: int) -> None:
    """A row for every reference and seed."""
    data_sha256 = sha256_of(dataset.DATASET_FILE)
    seeded = [recipe.model_copy(update={"seed": seed}) for seed in range(references.seeds)]
    jobs = {one.key(r, data_sha256): _Job(one, r) for one in references.networks for r in seeded}
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
