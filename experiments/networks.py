"""``python -m experiments.networks ROOT TASK`` in a folder with the data: train what cells chose.

A network is trained once per seed, whoever chose it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from benchmarks.rows import Row
from edge.files import sha256_of
from edge.spec import Architecture
from experiments import rows, trainings
from experiments.cells import finished
from experiments.folder import TaskFolder
from experiments.settings import Settings
from experiments.workspace import for_networks
from models.network import count, network
from models.spaces import Space
from pipeline import allocator, dataset, params, store
from pipeline.params import RetrainParams
from pipeline.retrain import Task, train_task
from pipeline.space import make_space


def run(settings: Settings, task: TaskFolder, workers: int) -> None:
    """Train all networks of the cells that have no row yet."""
    where = for_networks(settings, task)
    where.run(__name__, *task.arguments, f"--workers={workers}")


def train(settings: Settings, folder: TaskFolder, workers: int) -> None:
    """Train all networks of the cells of TASK below ROOT that have no row yet."""
    base = params.load()
    space = make_space(base.space, dataset.load().shape)
    jobs = tasks(finished(rows.CELLS, settings, folder), space, base.retrain)
    trainings.train_missing("networks", jobs, _trained, "members", folder, workers)


def tasks(cells: Iterable[Row], space: Space, recipe: RetrainParams) -> Iterator[Task]:
    """What has to be trained: every member of every cell, with the cell's seed."""
    sha256 = sha256_of(dataset.DATASET_FILE)
    for cell in cells:
        for member in cell["members"]:
            architecture = space.architecture(tuple(member["choices"])).to_dict()
            yield Task(architecture, recipe.model_copy(update={"seed": cell["seed"]}), sha256)


def _trained(task: Task) -> Row:
    if not task.path.exists():
        train_task(task)
    found = store.load(task.path)
    assert found is not None, task.path
    architecture = Architecture.from_dict(task.architecture)
    size = count(network(architecture), architecture.input_shape)
    return trainings.row_of(task, {"architecture": architecture.key}, task.recipe, found, size)


main = trainings.command(train)

if __name__ == "__main__":
    allocator.tune()
    main()
