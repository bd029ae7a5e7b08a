"""Trainings of a task, whoever asked for them: each leaves one row among those of all networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from benchmarks.rows import Row, append
from experiments import rows
from experiments.folder import TaskFolder
from experiments.settings import Settings, load
from pipeline import store
from pipeline.parallel import in_processes
from pipeline.params import RetrainParams
from pipeline.progress import Progress
from pipeline.training import essentials


class Keyed(Protocol):
    """A training, by a key of all that its result depends on."""

    @property
    def key(self) -> str: ...


Job = TypeVar("Job", bound=Keyed)
Step = Callable[[Settings, TaskFolder, int], None]  # protocol, task, workers


def command(step: Step) -> click.Command:
    """``python -m MODULE ROOT TASK`` in a folder with the data."""

    @click.command(help=step.__doc__)
    @click.argument("root", type=click.Path(path_type=Path, file_okay=False, exists=True))
    @click.argument("task")
    @click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
    def main(root: Path, task: str, workers: int) -> None:
        folder = TaskFolder(task, root)
        step(load(folder.protocol_file, root), folder, workers)

    return main


def train_missing(
    label: str,
    jobs: Iterable[Job],
    train: Callable[[Job], Row],
    lock: str,
    folder: TaskFolder,
    workers: int,
) -> None:
    """A row for every job that has none yet. `lock` is the part of the store that they write."""
    known = {row["key"] for row in rows.of(rows.NETWORKS, folder)}
    wanted = {job.key: job for job in jobs}
    missing = [job for key, job in wanted.items() if key not in known]
    with store.locked(lock), Progress(label, len(missing)) as progress:
        for row in in_processes(train, missing, min(workers, max(1, len(missing)))):
            append(folder.results / rows.NETWORKS, row)
            progress.advance(row["architecture"])


def row_of(
    job: Keyed,
    names: Mapping[str, str],
    recipe: RetrainParams,
    found: Mapping[str, Any],
    size: tuple[int, int],
) -> Row:
    """The row of a training that is over: `found` is what the store has of it, `size` are MACs and
    parameters. Its accuracy on the test images is read by nothing but the report."""
    macs, parameters = size
    return {
        "key": job.key,
        **names,
        "seed": recipe.seed,
        "recipe": essentials(recipe),
        "holdout_accuracy": found["holdout_accuracy"],
        "test_accuracy": found["test_accuracy"],
        "macs": macs,
        "parameters": parameters,
        "cpu_s": round(found["cpu_s"], 1),
    }
