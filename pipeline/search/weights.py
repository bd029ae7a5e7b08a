"""The lower level: shared weights, one sampled path per step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric

from edge.spec import SKIP
from models.spaces import Choices, Space
from models.supernet import Supernet, single
from pipeline.batches import Images, at_step
from pipeline.params import SearchParams
from pipeline.training import sgd

_RAMP = 0.05  # share of the steps in which the learning rate rises


class WeightTraining:
    """Trains a supernet's weights, path by path, over a known number of steps."""

    def __init__(
        self, space: Space, images: Images, params: SearchParams, steps: int, fabric: Fabric
    ) -> None:
        torch.manual_seed(params.seed)  # the initial weights
        net = Supernet(space).to(memory_format=torch.channels_last)
        optimizer = sgd(
            net, params.weights.lr, params.weights.momentum, params.weights.weight_decay
        )
        self.net = net
        self.supernet, self.optimizer = fabric.setup(net, optimizer)
        self.steps, self.done = steps, 0
        self._images, self._params, self._fabric = images, params, fabric

    def step(self, choices: Sequence[int]) -> float:
        """One step on the next batch along one path; returns its cross-entropy."""
        params = self._params
        x, y = at_step(self._images, params.batch_size, params.seed, self.done)
        for group in self.optimizer.param_groups:
            group["lr"] = params.weights.lr * rate(self.done, self.steps)
        self.supernet.train()
        loss = F.cross_entropy(self.supernet(x, single(choices)), y)
        self.optimizer.zero_grad(set_to_none=True)
        self._fabric.backward(loss)
        self._fabric.clip_gradients(self.supernet, self.optimizer, max_norm=params.weights.clip)
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


def rate(step: int, steps: int) -> float:
    """Learning rate as a share of its peak: a short linear rise, then a cosine to zero."""
    ramp = max(1, round(_RAMP * steps))
    if step < ramp:
        return (step + 1) / ramp
    return 0.5 * (1 + math.cos(math.pi * (step - ramp) / max(1, steps - ramp)))


def warmup_path(space: Space, keep_skip: float, draws: np.random.Generator) -> Choices:
    """A uniform path in which a drawn skip is kept with probability `keep_skip` only.

    Uniform paths are too shallow for the deeper operations to learn anything.
    """
    path = []
    for decision in space.decisions:
        ops = [block.op for block in decision.candidates]
        op = ops[draws.integers(len(ops))]
        others = [other for other in ops if other != SKIP]
        if op == SKIP and others and draws.random() >= keep_skip:
            op = others[draws.integers(len(others))]
        path.append(space.operations.index(op))
    return space.canonical(path)
