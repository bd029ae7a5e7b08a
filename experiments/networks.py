"""``python -m experiments.networks ROOT TASK`` in a folder with the data: train what cells chose.

A network is trained once per seed, whoever chose it. Its row has the accuracy on the test images,
which nothing but the report reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from benchmarks.rows import Row, append
from edge.files import sha256_of
from edge.spec import Architecture
from experiments import rows
from experiments.cells import finished
from experiments.folder import TaskFolder
from experiments.settings import Settings, load
from experiments.workspace import for_networks
from models.network import count, network
from models.spaces import Space
from pipeline import dataset, params, store
from pipeline.parallel import in_processes
from pipeline.params import RetrainParams
from pipeline.progress import Progress
from pipeline.retrain import Task, train_task
from pipeline.space import make_space
from pipeline.training import essentials


def run(settings: Settings, task: TaskFolder, workers: int) -> None:
    """Train all networks of the cells that have no row yet."""
    where = for_networks(settings, task)
    where.run(__name__, *task.arguments, f"--workers={workers}")


@click.command()
@click.argument("root", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.argument("task")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
def main(root: Path, task: str, workers: int) -> None:
    """Train all networks of the cells of TASK below ROOT that have no row yet."""
    folder = TaskFolder(task, root)
    base = params.load()
    space = make_space(base.space, dataset.load())
    cells = finished(rows.CELLS, load(folder.protocol_file, root), folder)
    wanted = tasks(cells, space, base.retrain)
    known = {row["key"] for row in rows.of(rows.NETWORKS, folder)}
    missing = [task for key, task in wanted.items() if key not in known]
    with store.locked("members"), Progress("networks", len(missing)) as progress:
        for row in in_processes(_trained, missing, workers):
            append(folder.results / rows.NETWORKS, row)
            progress.advance(row["architecture"])


def tasks(cells: Iterable[Row], space: Space, recipe: RetrainParams) -> Mapping[str, Task]:
    """What has to be trained, by its key: every member of every cell, with the cell's seed."""
    sha256 = sha256_of(dataset.DATASET_FILE)
    found = (
        Task(
            space.architecture(tuple(member["choices"])).to_dict(),
            recipe.model_copy(update={"seed": cell["seed"]}),
            sha256,
        )
        for cell in cells
        for member in cell["members"]
    )
    return {task.key: task for task in found}


def _trained(task: Task) -> dict[str, Any]:
    if not task.path.exists():
        train_task(task)
    found = store.load(task.path)
    assert found is not None, task.path
    architecture = Architecture.from_dict(task.architecture)
    macs, parameters = count(network(architecture), architecture.input_shape)
    return {
        "key": task.key,
        "architecture": architecture.key,
        "seed": task.recipe.seed,
        "recipe": essentials(task.recipe),
        "holdout_accuracy": found["holdout_accuracy"],
        "test_accuracy": found["test_accuracy"],
        "macs": macs,
        "parameters": parameters,
        "cpu_s": round(found["cpu_s"], 1),
    }


if __name__ == "__main__":
    main()
