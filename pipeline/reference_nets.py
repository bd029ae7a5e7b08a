"""Hand-designed networks, trained with the recipe of the members and kept in the store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from edge.files import sha256_of
from models import references as networks
from models.references import mobilenetv2, plain_cnn, resnet8
from pipeline import allocator, batches, dataset, seeds, store, training
from pipeline.dataset import DATASET_FILE, Dataset
from pipeline.parallel import in_processes
from pipeline.params import RetrainParams
from pipeline.progress import Progress
from pipeline.source_code import BLOCKS, made_by
from pipeline.training import essentials, naming, train_and_judge

NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "resnet8": resnet8,
    "plain-cnn": plain_cnn,
    "mobilenetv2": mobilenetv2,
}
CODE = (networks, *BLOCKS, training, batches, dataset, seeds)  # that trains them


@dataclass(frozen=True)
class Reference:
    """A hand-designed network, by its name in `NETWORKS` and its width."""

    name: str
    width: int

    def __str__(self) -> str:
        return f"{self.name}-{self.width}"

    def build(self, data: Dataset) -> nn.Module:
        return NETWORKS[self.name](data.input_shape[0], len(data.classes), self.width)

    def key(self, recipe: RetrainParams, data_sha256: str) -> str:
        """Names the result of the training: what it depends on but the code, and nothing else."""
        return store.content_key(
            self.name, self.width, essentials(recipe), data_sha256, torch.__version__
        )


@dataclass(frozen=True)
class Trained:
    """A reference with its weights."""

    reference: Reference
    state: dict[str, Any]
    holdout_accuracy: float
    test_accuracy: float
    cpu_s: float

    def network(self, data: Dataset) -> nn.Module:
        net = self.reference.build(data)
        net.load_state_dict(self.state)
        return net.eval()


def train_all(
    references: Sequence[Reference], recipe: RetrainParams, root: Path = Path()
) -> list[Trained]:
    """Every reference, trained below `root` where the store does not hold it: one thread each."""
    data_sha256 = sha256_of(root / DATASET_FILE)
    one = partial(train_one, recipe=recipe, data_sha256=data_sha256, root=root)
    with _memory_settings():
        return list(in_processes(one, references, min(recipe.workers, len(references))))


def train_one(
    reference: Reference, recipe: RetrainParams, data_sha256: str, root: Path = Path()
) -> Trained:
    """Train one reference, or take it from the store. Raises TrainingDiverged."""
    name = store.content_key(reference.key(recipe, data_sha256), *made_by(CODE))
    folder = root / store.STORE
    path = store.place("references", name, ".pt", folder)
    unfinished = store.place("references", name, ".unfinished.pt", folder)
    kept = store.load(path)
    if kept is None:
        kept = _train(reference, recipe, dataset.load(root / DATASET_FILE), unfinished)
        store.save(path, kept)
        unfinished.unlink(missing_ok=True)
    return Trained(reference, **kept)


@contextmanager
def _memory_settings() -> Iterator[None]:
    """For the processes that train, and not for those in which models are timed later."""
    before = dict(os.environ)
    os.environ.update(allocator.for_training(before))
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]


def _train(
    reference: Reference, recipe: RetrainParams, data: Dataset, unfinished: Path
) -> dict[str, Any]:
    with Progress(reference.name, recipe.epochs) as progress, naming(f"reference {reference}"):
        return train_and_judge(
            lambda: reference.build(data),
            *(data, recipe, unfinished),
            on_epoch=lambda epoch, loss: progress.update(epoch, f"loss {loss:.3f}"),
        )
