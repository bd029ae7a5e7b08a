"""What a method of search is, and the registry of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from models.alpha import Alpha
from models.registry import Registry
from models.spaces import Choices, Space
from models.supernet import Selection
from pipeline.batches import Images, at_step
from pipeline.params import SearchParams
from pipeline.progress import Progress
from pipeline.search import simplex
from pipeline.search.estimators.base import LossOf
from pipeline.search.estimators.prepared import prepared_paths
from pipeline.search.estimators.reinforce import losses_of
from pipeline.search.objective import Costs, expected_latency_ms, mean_entropy
from pipeline.search.on_batch import on_batch
from pipeline.search.weights import WeightTraining
from pipeline.seeds import generator


@dataclass(frozen=True)
class Step:
    """What one step saw, on average over its points: for progress and metrics."""

    loss: float
    cross_entropy: float
    expected_latency_ms: float
    entropy: float  # mean of the decisions', nats
    kappa: float

    @classmethod
    def of(cls, loss: float, losses: Tensor, p: Tensor, kappas: Tensor, costs: Costs) -> Step:
        """Of cross-entropies (m,), probabilities (n, decisions, options) and prices (n,)."""
        return cls(
            loss=loss,
            cross_entropy=float(losses.mean()),
            expected_latency_ms=float(expected_latency_ms(p, costs).mean()),
            entropy=mean_entropy(p),
            kappa=float(kappas.log().mean().exp()),
        )


@dataclass(frozen=True, eq=False)
class Setting:
    """All that a method is given. `images` are those that it may learn from."""

    space: Space
    images: Images
    costs: Costs
    params: SearchParams
    kappa_range: tuple[float, float]
    weights: WeightTraining
    fabric: Fabric


class Method(ABC):
    """The upper level of a search: it learns α while the shared weights learn along its paths."""

    def __init__(self, setting: Setting) -> None:
        self.setting, self.done = setting, 0

    def prepare(self) -> None:  # noqa: B027  (most do not)
        """Look at the warmed-up weights before the first step."""

    @abstractmethod
    def path(self, step: int) -> Choices:
        """What the weights train on in their step number `step`."""

    @abstractmethod
    def step(self) -> Step:
        """One step of the upper level."""

    @abstractmethod
    def alpha(self) -> Alpha:
        """What was learned, on the CPU."""

    @staticmethod
    @abstractmethod
    def blank(space: Space, params: SearchParams, kappa_range: tuple[float, float]) -> Alpha:
        """An α of the kind that this method learns: what a stored one is read into."""

    def state(self) -> dict[str, Any]:
        """Everything that a restart needs."""
        return {"done": self.done}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        self.done = state["done"]

    def sample(self, count: int, *purpose: str | int) -> tuple[Tensor, Tensor]:
        """`count` points S (count, k) and prices κ (count,), drawn for one purpose."""
        setting = self.setting
        draws = generator(setting.params.seed, "point", *purpose)
        operations = setting.space.operations
        points = simplex.sample_points(setting.params.sampler, operations, count, draws)
        prices = simplex.sample_prices(setting.kappa_range, count, draws)
        return points.to(setting.fabric.device), prices.to(setting.fabric.device)

    def first_look(self, count: int, images: int) -> tuple[Tensor, Tensor]:
        """Paths (count, decisions) of all latencies and their losses (count,), all on the first
        `images` that the method learns from."""
        setting = self.setting
        costs = setting.costs.to(torch.device("cpu"))
        paths = prepared_paths(setting.space, costs, count, setting.params.seed)
        loss_of, losses = self.loss_on_first(images), []
        with Progress("first look", count) as progress:
            for path in paths:
                losses.append(losses_of(setting.space, path[None], loss_of).cpu())
                progress.advance()
        return paths, torch.cat(losses)

    def drawn(self, logits: Tensor, step: int) -> Choices:
        """A path from the logits (decisions, options)."""
        p = logits.softmax(1).cpu()
        draws = generator(self.setting.params.seed, "path", step)
        drawn = torch.multinomial(p, 1, generator=draws)[:, 0].tolist()
        return self.setting.space.canonical(drawn)

    def batch(self, number: int) -> tuple[Tensor, Tensor]:
        """A batch of the images that the method learns from: (B, C, H, W) and labels (B,)."""
        params = self.setting.params
        return at_step(self.setting.images, params.batch_size, params.seed + 1, number)

    def loss_on(self, batch: int, weights: WeightTraining | None = None) -> LossOf:
        """The cross-entropy of a selection on one batch, by the shared weights or by others."""
        return _loss_of((weights or self.setting.weights).supernet, *self.batch(batch))

    def loss_on_first(self, images: int) -> LossOf:
        """The cross-entropy of a selection on the first of the images of the method."""
        x, y = self.setting.images.take(slice(0, images))
        return _loss_of(self.setting.weights.supernet, x, y)


def _loss_of(supernet: nn.Module, x: Tensor, y: Tensor) -> LossOf:
    def loss_of(selection: Selection) -> Tensor:
        return on_batch(supernet, selection, x, y)[0]

    return loss_of


METHODS: Registry[type[Method]] = Registry("method")
method = METHODS.register  # under the name that `search.method` gives it
