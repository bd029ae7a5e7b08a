"""The upper level: the hypernetwork α(S, κ), some points and prices per step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn

from models.hypernet import HyperNetwork
from models.spaces import Choices, Space
from models.supernet import Selection
from pipeline.batches import Images, at_step
from pipeline.params import SearchParams
from pipeline.search import simplex
from pipeline.search.estimators import ESTIMATORS
from pipeline.search.estimators.base import LossOf
from pipeline.search.objective import Costs, expected_latency_ms, objective
from pipeline.search.state import make_hypernet
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


class ArchitectureTraining:
    """Trains a hypernetwork against the shared weights of `weights`, which stand still."""

    def __init__(
        self,
        space: Space,
        images: Images,
        costs: Costs,
        params: SearchParams,
        kappa_range: tuple[float, float],
        weights: WeightTraining,
        fabric: Fabric,
    ) -> None:
        torch.manual_seed(params.seed + 1)  # the initial weights of the MLP
        net = make_hypernet(space, params, kappa_range)
        optimizer = torch.optim.Adam(net.parameters(), lr=params.hypernet.lr, betas=(0.9, 0.99))
        self.net: HyperNetwork = net
        self.hypernet, self.optimizer = fabric.setup(net, optimizer)
        self.kappa_range, self.done = kappa_range, 0
        self._space, self._images, self._costs = space, images, costs
        self._params, self._weights, self._fabric = params, weights, fabric
        self._estimator = ESTIMATORS[params.estimator](space, params)

    def prepare(self) -> None:
        """Let the estimator look at the warmed-up weights before the first step."""
        self._estimator.prepare(lambda batch: self._loss_on(-1 - batch))

    def sample(self, count: int, *purpose: str | int) -> tuple[Tensor, Tensor]:
        """`count` points S (count, k) and prices κ (count,), drawn for one purpose."""
        draws = generator(self._params.seed, "point", *purpose)
        points = simplex.sample_points(self._params.sampler, self._space.operations, count, draws)
        prices = simplex.sample_prices(self.kappa_range, count, draws)
        return points.to(self._fabric.device), prices.to(self._fabric.device)

    @torch.no_grad()
    def path(self, step: int) -> Choices:
        """A path from α at a point of its own: what the weights train on."""
        p = self.hypernet(*self.sample(1, "weights", step))[0].softmax(1).cpu()
        draws = generator(self._params.seed, "path", step)
        return self._space.canonical(torch.multinomial(p, 1, generator=draws)[:, 0].tolist())

    def step(self) -> Step:
        """One step of the hypernetwork on a batch of the architecture split."""
        points, kappas = self.sample(self._estimator.points, "architecture", self.done)
        alpha = self.hypernet(points, kappas)  # (n, E, k)
        draws = generator(self._params.seed, "estimator", self.done)
        with _constant(self._weights.net):
            losses = self._estimator.cross_entropy(alpha, self._loss_on(self.done), draws)
            p, weight = alpha.softmax(-1), self._params.reg_weight
            loss = objective(losses, p, points, kappas, self._costs, weight).mean()
            self.optimizer.zero_grad(set_to_none=True)
            self._fabric.backward(loss)
        self.optimizer.step()
        self.done += 1
        return _describe(loss, losses, p, kappas, self._costs)

    def _loss_on(self, batch: int) -> LossOf:
        """The cross-entropy of a selection on one batch of the architecture split."""
        params, supernet = self._params, self._weights.supernet
        x, y = at_step(self._images, params.batch_size, params.seed + 1, batch)

        def loss_of(selection: Selection) -> Tensor:
            supernet.train()
            return F.cross_entropy(supernet(x, selection), y)

        return loss_of

    def state(self) -> dict[str, Any]:
        """Everything that a restart needs."""
        return {
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "done": self.done,
            "kappa_range": list(self.kappa_range),
            "estimator": self._estimator.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._estimator.restore(state["estimator"])
        self.done = state["done"]


@contextmanager
def _constant(module: nn.Module) -> Iterator[None]:
    """Parameters that need no gradient for a while: the backward pass is a third shorter."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)


def _describe(loss: Tensor, losses: Tensor, p: Tensor, kappas: Tensor, costs: Costs) -> Step:
    p = p.detach()
    entropy = -(p * p.clamp_min(1e-12).log()).sum(-1).mean()
    return Step(
        loss=float(loss.detach()),
        cross_entropy=float(losses.detach().mean()),
        expected_latency_ms=float(expected_latency_ms(p, costs).mean()),
        entropy=float(entropy),
        kappa=float(kappas.log().mean().exp()),
    )
