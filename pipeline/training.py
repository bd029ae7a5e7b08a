"""The recipe that every stand-alone network is trained with: members and references alike."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edge.errors import EdgeError
from pipeline import store
from pipeline.batches import Augmentation, Images, shuffled
from pipeline.dataset import Dataset
from pipeline.params import RetrainParams
from pipeline.seeds import generator

EVALUATION_BATCH = 500


class TrainingDiverged(EdgeError, ArithmeticError):
    """A training whose loss is no number any more."""


@contextmanager
def naming(network: str) -> Iterator[None]:
    """Say of a training inside which network diverged."""
    try:
        yield
    except TrainingDiverged as error:
        raise TrainingDiverged(f"{network}: {error}") from error


def train_and_judge(
    build: Callable[[], nn.Module],
    data: Dataset,
    recipe: RetrainParams,
    unfinished: Path,
    on_epoch: Callable[[int, float], None] = lambda epoch, loss: None,
) -> dict[str, Any]:
    """Build, train and judge one stand-alone network: members and references go through here,
    so that they see the same images in the same batches.

    `build` makes the network with the weights it starts from; random ones are drawn with the
    seed of the recipe. The file `unfinished` holds what was trained until a kill. Returns
    ``state`` (the state dict), ``holdout_accuracy``, ``test_accuracy`` and ``cpu_s``. Raises
    TrainingDiverged.
    """
    torch.manual_seed(recipe.seed)
    net = build()
    learned = Images.part(data, np.concatenate([data.weights, data.architecture]))
    cpu_s = train(net, learned, recipe, unfinished, on_epoch)
    began = time.process_time()
    judged = {
        "holdout_accuracy": accuracy(net, Images.part(data, data.holdout)),
        "test_accuracy": accuracy(net, Images.test(data)),
    }
    cpu_s += time.process_time() - began
    return {"state": net.state_dict(), **judged, "cpu_s": cpu_s}


def essentials(recipe: RetrainParams) -> dict[str, Any]:
    """What of the recipe decides the result of a training that starts from given weights."""
    return recipe.model_dump(mode="json", exclude={"workers", "init"})


def augmentation(recipe: RetrainParams) -> Augmentation:
    """How the images of a training change; shared weights learn from the same ones."""
    return Augmentation(recipe.shift, recipe.flip)


def train(
    net: nn.Module,
    images: Images,
    recipe: RetrainParams,
    unfinished: Path,
    on_epoch: Callable[[int, float], None] = lambda epoch, loss: None,
) -> float:
    """Train `net` in place, leave it in evaluation mode, and return the CPU seconds it took.

    SGD with Nesterov momentum; weight decay on matrices and kernels only. Fewer images than a
    batch are one batch. After every epoch the state goes to the file `unfinished`; where that
    exists, training goes on from it and ends as if it had not been interrupted. `on_epoch` gets
    the number of finished epochs and the mean training loss of the last one. Raises
    TrainingDiverged after an epoch whose loss is not finite; the state before it is kept.
    """
    net.to(memory_format=torch.channels_last)
    net.train()
    optimizer = sgd(net, recipe.lr, recipe.momentum, recipe.weight_decay)
    batch_size = min(recipe.batch_size, len(images))
    batches = len(images) // batch_size  # of an epoch
    schedule = learning_rate(optimizer, recipe, recipe.epochs * batches)
    augment = augmentation(recipe)
    parts: dict[str, Any] = {"net": net, "optimizer": optimizer, "schedule": schedule}
    finished, cpu_s = _restore(parts, unfinished)
    for epoch in range(finished + 1, recipe.epochs + 1):
        began = time.process_time()
        total = torch.zeros(())
        draws = generator(recipe.seed, "retrain", epoch)
        for x, y in shuffled(images, batch_size, draws, augment):
            loss = F.cross_entropy(net(x), y, label_smoothing=recipe.label_smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += loss.detach()
        cpu_s += time.process_time() - began
        _require_finite(float(total), epoch, recipe.lr)
        states = {name: part.state_dict() for name, part in parts.items()}
        store.save(unfinished, {"epoch": epoch, "cpu_s": cpu_s, **states})
        on_epoch(epoch, float(total) / batches)
    net.eval()
    return cpu_s


def _require_finite(loss: float, epoch: int, lr: float) -> None:
    if not math.isfinite(loss):
        raise TrainingDiverged(
            f"the training diverged: the loss of epoch {epoch} is {loss}; lower retrain.lr = {lr:g}"
        )


def finished_epochs(unfinished: Path) -> int:
    """How far the training got that keeps its state in this file."""
    saved = store.load(unfinished)
    return 0 if saved is None else int(saved["epoch"])


def _restore(parts: Mapping[str, Any], unfinished: Path) -> tuple[int, float]:
    """Load the state of `parts` where there is one; the finished epochs and their CPU seconds."""
    saved = store.load(unfinished)
    if saved is None:
        return 0, 0.0
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    return saved["epoch"], saved["cpu_s"]


def sgd(net: nn.Module, lr: float, momentum: float, weight_decay: float) -> torch.optim.SGD:
    """SGD that decays kernels and matrices, not biases and BatchNorms."""
    parameters = list(net.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=momentum > 0)


def learning_rate(
    optimizer: torch.optim.Optimizer, recipe: RetrainParams, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """The learning rate of each of `steps` steps, down to almost nothing.

    One-cycle (Smith and Topin, 2018) climbs from a 25th of the peak for a fifth of the steps;
    cosine (Loshchilov and Hutter, 2017) starts at the peak.
    """
    if recipe.schedule == "cosine":
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        recipe.lr,
        total_steps=steps + 1,
        pct_start=max(0.2, 2 / (steps + 1)),  # the peak is no sooner than the second step
        cycle_momentum=False,
    )


@torch.no_grad()
def accuracy(net: nn.Module, images: Images) -> float:
    """Share of `images` that `net` classifies correctly, in evaluation mode."""
    net.eval()
    right = torch.zeros((), dtype=torch.int64)
    for x, y in images.in_order(EVALUATION_BATCH):
        logits: Tensor = net(x)
        right += (logits.argmax(1) == y).sum()
    return int(right) / len(images)
