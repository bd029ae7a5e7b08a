"""``python -m experiments.references ROOT TASK`` in a folder with the data: train hand-designed
networks with the recipe and the seeds of the others.

Their rows lie among those of all networks, and `measure` times them in the same session.
"""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.rows import Row
from edge.files import sha256_of
from experiments import trainings
from experiments.folder import TaskFolder
from experiments.settings import References, Settings
from experiments.workspace import for_networks
from models.network import count
from pipeline import allocator, dataset, params
from pipeline.params import RetrainParams
from pipeline.reference_nets import Reference, train_one


class _Job(NamedTuple):
    reference: Reference
    recipe: RetrainParams
    data_sha256: str

    @property
    def key(self) -> str:
        return self.reference.key(self.recipe, self.data_sha256)


def run(settings: Settings, task: TaskFolder, workers: int) -> None:
    """Train all references of a protocol that have no row yet."""
    where = for_networks(settings, task)
    where.run(__name__, *task.arguments, f"--workers={workers}")


def train_those_of(settings: Settings, folder: TaskFolder, workers: int) -> None:
    """Train the references of TASK below ROOT that have no row yet."""
    train(settings.references, params.load().retrain, folder, workers)


def train(references: References, recipe: RetrainParams, folder: TaskFolder, workers: int) -> None:
    """A row for every reference and seed."""
    data_sha256 = sha256_of(dataset.DATASET_FILE)
    seeded = [recipe.model_copy(update={"seed": seed}) for seed in range(references.seeds)]
    jobs = [_Job(one, r, data_sha256) for one in references.networks for r in seeded]
    trainings.train_missing("references", jobs, _trained, "references", folder, workers)


def _trained(job: _Job) -> Row:
    found = train_one(job.reference, job.recipe, job.data_sha256)
    data = dataset.load()
    size = count(found.network(data), data.input_shape)
    names = {"architecture": str(job.reference), "reference": job.reference.name}
    return trainings.row_of(job, names, job.recipe, vars(found), size)


main = trainings.command(train_those_of)

if __name__ == "__main__":
    allocator.tune()
    main()
