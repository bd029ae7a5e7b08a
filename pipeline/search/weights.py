"""The lower level: shared weights, as a rule one sampled path per step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn

from edge.spec import SKIP, BlockSpec
from models.blocks import build
from models.spaces import Choices, Decision, Space
from models.supernet import Selection, Supernet, single, weight_sets
from pipeline.batches import Images, at_step
from pipeline.params import SearchParams
from pipeline.seeds import rng
from pipeline.training import sgd

_RAMP = 0.05  # share of the steps in which the learning rate rises


Schedule: TypeAlias = Callable[[int, int], float]  # step, steps: share of the peak learning rate


def cosine(step: int, steps: int) -> float:
    """Learning rate as a share of its peak: a cosine from one to zero."""
    return 0.5 * (1 + math.cos(math.pi * step / max(1, steps)))


def rate(step: int, steps: int) -> float:
    """Learning rate as a share of its peak: a short linear rise, then a cosine to zero."""
    ramp = max(1, round(_RAMP * steps))
    return (step + 1) / ramp if step < ramp else cosine(step - ramp, steps - ramp)


class WeightTraining:
    """Trains a supernet's weights over a known number of steps."""

    def __init__(
        self,
        space: Space,
        images: Images,
        params: SearchParams,
        steps: int,
        fabric: Fabric,
        schedule: Schedule = rate,
    ) -> None:
        torch.manual_seed(params.seed)  # the initial weights
        net = Supernet(space).to(memory_format=torch.channels_last)
        optimizer = sgd(
            net, params.weights.lr, params.weights.momentum, params.weights.weight_decay
        )
        self.net = net
        self.supernet, self.optimizer = fabric.setup(net, optimizer)
        self.images, self.steps, self.done = images, steps, 0
        self._params, self._fabric, self._schedule = params, fabric, schedule

    @property
    def lr(self) -> float:
        """The learning rate of the next step."""
        return self._params.weights.lr * self._schedule(self.done, self.steps)

    def loss(self, selection: Selection) -> Tensor:
        """Cross-entropy of what a selection runs, on the batch of the next step."""
        x, y = at_step(self.images, self._params.batch_size, self._params.seed, self.done)
        self.supernet.train()
        return F.cross_entropy(self.supernet(x, selection), y)

    def step(self, choices: Sequence[int]) -> float:
        """One step on the next batch along one path; returns its cross-entropy."""
        return self.step_on(single(choices))

    def step_on(self, selection: Selection) -> float:
        """One step on the next batch with all that a selection runs; returns its cross-entropy."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr
        loss = self.loss(selection)
        self.optimizer.zero_grad(set_to_none=True)
        self._fabric.backward(loss)
        clip = self._params.weights.clip
        self._fabric.clip_gradients(self.supernet, self.optimizer, max_norm=clip)
        self.optimizer.step()
        self.done += 1
        return float(loss.detach())

    def state(self) -> dict[str, Any]:
        """Everything that a restart needs."""
        optimizer = self.optimizer.state_dict()
        return {"net": self.net.state_dict(), "optimizer": optimizer, "done": self.done}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.done = state["done"]


@contextmanager
def constant(module: nn.Module) -> Iterator[None]:
    """Parameters that need no gradient for a while: the backward pass is a third shorter."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)


class UniformPaths:
    """Paths that prefer nothing, for weights that only have to judge; skips as in warm-up."""

    def __init__(self, space: Space, params: SearchParams) -> None:
        self._space, self._seed = space, params.seed
        self._shares = warmup_shares(space, params.warmup_skip)

    def at(self, step: int) -> Choices:
        """The path of one step."""
        return warmup_path(self._space, self._shares, rng(self._seed, "path", step))


def warmup_path(
    space: Space, shares: npt.NDArray[np.float64], draws: np.random.Generator
) -> Choices:
    """A path whose options are drawn by `shares` (decisions, options)."""
    return space.canonical([int(draws.choice(len(row), p=row)) for row in shares])


def warmup_shares(space: Space, keep_skip: float) -> npt.NDArray[np.float64]:
    """How often warm-up runs every option of every decision; rows sum to one.

    What has no weights is drawn as often as any candidate, and so is a skip, but kept with
    probability `keep_skip` only: uniform paths are too shallow for the deeper operations to learn
    anything. The rest goes to the sets of shared weights by the square root of their parameters,
    and inside a set to all alike: an operation that has its weights to itself would learn from a
    fraction of the steps that others, who share theirs, learn from, and would look worse than it
    is. Widths are drawn alike.
    """
    shares: npt.NDArray[np.float64] = space.mask / space.mask.sum(axis=1, keepdims=True)
    for row, decision in zip(shares, space.decisions, strict=False):  # the others are widths
        row[: len(space.operations)] = _shares(decision, space.operations, keep_skip)
    return shares


def _shares(decision: Decision, operations: Sequence[str], keep_skip: float) -> list[float]:
    shares = dict.fromkeys(operations, 0.0)
    free = [s.op for s in decision.candidates if s.op == SKIP or not _parameters(s)]
    sets = weight_sets([spec for spec in decision.candidates if spec.op not in free])
    for op in free:
        kept = keep_skip if op == SKIP and len(free) < len(decision.candidates) else 1.0
        shares[op] = kept / len(decision.candidates)
    rest = 1 - sum(shares.values())
    sizes = [math.sqrt(max(map(_parameters, specs))) for specs in sets]
    for specs, size in zip(sets, sizes, strict=True):
        for spec in specs:
            shares[spec.op] = rest * size / sum(sizes) / len(specs)
    return list(shares.values())


def _parameters(spec: BlockSpec) -> int:
    return sum(parameter.numel() for parameter in build(spec).parameters())
