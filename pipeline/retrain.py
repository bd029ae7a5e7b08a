"""Stage `retrain`: train every member, some at a time; finished ones are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import torch
from torch import nn

from edge import spec
from edge.files import sha256_of
from edge.spec import Architecture
from models import network as networks
from models.network import count, network
from pipeline import batches, dataset, metrics, seeds, store, training
from pipeline.members import ExtractedMember, TrainedMember, read_extracted
from pipeline.members import write as write_members
from pipeline.parallel import in_processes
from pipeline.params import Params, RetrainParams
from pipeline.progress import Progress, watched
from pipeline.shared_weights import Weights, digest, of_members
from pipeline.source_code import BLOCKS, made_by
from pipeline.training import essentials, finished_epochs, naming, train_and_judge

OUTPUT = Path("results/retrain")
# That trains a member.
CODE = (*BLOCKS, spec, networks, training, batches, dataset, seeds)


@dataclass(frozen=True)
class Task:
    """One network to train; two equal tasks have equal keys and give equal results."""

    architecture: dict[str, Any]
    recipe: RetrainParams
    data_sha256: str
    first: Weights | None = field(default=None, repr=False)  # None: random ones
    name: str = field(default="a network", compare=False)  # in messages

    @property
    def key(self) -> str:
        """Everything that the result depends on but the code: rows of experiments have it, too."""
        function = Architecture.from_dict(self.architecture).key
        first = [] if self.first is None else [digest(self.first)]
        return store.content_key(
            function, essentials(self.recipe), self.data_sha256, torch.__version__, *first
        )

    @property
    def path(self) -> Path:
        return store.place("members", self._name, ".pt")

    @property
    def unfinished(self) -> Path:
        """Where a training that was interrupted goes on from."""
        return store.place("members", self._name, ".unfinished.pt")

    @property
    def _name(self) -> str:
        """Of its files: a network of other blocks is another one."""
        return store.content_key(self.key, *made_by(CODE))

    def build(self) -> nn.Module:
        """The network with its first weights."""
        net = network(Architecture.from_dict(self.architecture))
        if self.first is not None:
            net.load_state_dict(self.first)
        return net


def run(params: Params) -> None:
    """Train the members of results/extract/; writes results/retrain/."""
    members = read_extracted()
    sha256 = sha256_of(dataset.DATASET_FILE)
    first = of_members(members, params) if params.retrain.init == "supernet" else {}
    tasks = [
        Task(m.architecture, params.retrain, sha256, first.get(m.name), f"member {m.name!r}")
        for m in members
    ]
    with store.locked("members"):
        _train_missing(tasks, params.retrain.workers)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    trained = [_write(member, task) for member, task in zip(members, tasks, strict=True)]
    write_members(OUTPUT / "members.json", trained)
    metrics.write("retrain", _summary(trained))
    for member in trained:
        click.echo(
            f"{member.name:<20} hold-out {member.holdout_accuracy:.4f}  "
            f"test {member.test_accuracy:.4f}  {member.cpu_s:.0f} CPU-s"
        )


def _train_missing(tasks: Sequence[Task], workers: int) -> None:
    """Train what the store does not hold; the largest first, so that no worker idles long."""
    missing = {task.key: task for task in tasks if not task.path.exists()}
    if len(missing) < len(tasks):
        click.echo(f"{len(tasks) - len(missing)} of {len(tasks)} members are trained already")
    order = sorted(missing.values(), key=_macs, reverse=True)
    epochs = sum(task.recipe.epochs for task in order)
    with Progress("retrain", epochs, start=_finished_epochs(order)) as progress:
        with watched(lambda: _show(order, progress)):
            list(in_processes(train_task, order, min(workers, max(1, len(order)))))
        _show(order, progress)


def _show(tasks: Sequence[Task], progress: Progress) -> None:
    """Tell how many epochs of all are over: what lies in the store says so."""
    trained = sum(task.path.exists() for task in tasks)
    progress.update(_finished_epochs(tasks), f"epochs, {trained} of {len(tasks)} members")


def _finished_epochs(tasks: Sequence[Task]) -> int:
    return sum(
        task.recipe.epochs if task.path.exists() else finished_epochs(task.unfinished)
        for task in tasks
    )


def _macs(task: Task) -> int:
    architecture = Architecture.from_dict(task.architecture)
    return count(network(architecture), architecture.input_shape)[0]


def train_task(task: Task) -> None:
    """Train one network and keep it in the store. Raises TrainingDiverged."""
    with naming(task.name):
        found = train_and_judge(task.build, dataset.load(), task.recipe, task.unfinished)
    store.save(task.path, found)
    task.unfinished.unlink(missing_ok=True)


def _write(member: ExtractedMember, task: Task) -> TrainedMember:
    found = store.load(task.path)
    assert found is not None, task.path
    architecture = member.read_architecture()
    macs, parameters = count(network(architecture), architecture.input_shape)
    weights = f"{member.name}.pt"
    store.save(OUTPUT / weights, found["state"])
    return TrainedMember(
        name=member.name,
        architecture=member.architecture,
        origin=member.origin,
        budget_ms=member.budget_ms,
        holdout_accuracy=found["holdout_accuracy"],
        test_accuracy=found["test_accuracy"],
        macs=macs,
        parameters=parameters,
        weights=weights,
        cpu_s=found["cpu_s"],
    )


def _summary(trained: Sequence[TrainedMember]) -> dict[str, float]:
    best = max(trained, key=lambda member: member.holdout_accuracy)
    return {
        "members": len(trained),
        "best_holdout_accuracy": best.holdout_accuracy,
        "best_test_accuracy": best.test_accuracy,
        "cpu_s": round(sum(member.cpu_s for member in trained), 1),
    }
