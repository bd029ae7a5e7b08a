"""The lower level: shared weights, as a rule one sampled path per step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from models.spaces import Space
from models.supernet import Selection, Supernet, single
from pipeline.batches import Augmentation, Images, at_step
from pipeline.params import SearchParams
from pipeline.search.on_batch import on_batch
from pipeline.training import TrainingDiverged, sgd

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
    """Trains a supernet's weights over a known number of steps, on images that change as in the
    training that its networks are judged for. `section` is where its settings are."""

    def __init__(
        self,
        space: Space,
        images: Images,
        params: SearchParams,
        steps: int,
        fabric: Fabric,
        augment: Augmentation,
        schedule: Schedule = rate,
        section: str = "search.weights",
    ) -> None:
        torch.manual_seed(params.seed)  # the initial weights
        net = Supernet(space).to(memory_format=torch.channels_last)
        optimizer = sgd(
            net, params.weights.lr, params.weights.momentum, params.weights.weight_decay
        )
        self.net = net
        self.supernet, self.optimizer = fabric.setup(net, optimizer)
        self.images, self.augment, self.steps, self.done = images, augment, steps, 0
        self._params, self._fabric, self._schedule = params, fabric, schedule
        self._section = section

    @property
    def lr(self) -> float:
        """The learning rate of the next step."""
        return self._params.weights.lr * self._schedule(self.done, self.steps)

    def loss(self, selection: Selection) -> Tensor:
        """Cross-entropy of what a selection runs, on the batch of the next step."""
        params = self._params
        x, y = at_step(self.images, params.batch_size, params.seed, self.done, self.augment)
        return on_batch(self.supernet, selection, x, y)[0]

    def step(self, choices: Sequence[int]) -> float:
        """One step on the next batch along one path; returns its cross-entropy."""
        return self.step_on(single(choices))

    def step_on(self, selection: Selection) -> float:
        """One step on the next batch with all that a selection runs; returns its cross-entropy.

        Raises TrainingDiverged before it takes a step along gradients that are no numbers.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr
        loss = self.loss(selection)
        self.optimizer.zero_grad(set_to_none=True)
        self._fabric.backward(loss)
        norm = self._fabric.clip_gradients(
            self.supernet,
            self.optimizer,
            max_norm=self._params.weights.clip,
            error_if_nonfinite=False,
        )
        assert norm is not None  # as it is of a clipped norm
        # fp16 overflows now and then: its scaler skips that step, and lowers the scale
        if self._params.precision != "16-mixed" and not norm.isfinite():
            raise self._diverged(float(loss.detach()))
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

    def _diverged(self, loss: float) -> TrainingDiverged:
        lr = self._params.weights.lr
        return TrainingDiverged(
            f"the shared weights diverged: the loss of step {self.done + 1} is {loss:.4g}, and its "
            f"gradients are no numbers; lower {self._section}.lr = {lr:g}"
        )


@contextmanager
def constant(module: nn.Module) -> Iterator[None]:
    """Parameters that need no gradient for a while: the backward pass is a third shorter."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)
