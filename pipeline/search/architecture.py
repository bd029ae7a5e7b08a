"""The upper level: the hypernetwork α(S, κ), one point and price per step."""

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
from pipeline.search.objective import Costs, expected_latency_ms, objective
from pipeline.search.state import make_hypernet
from pipeline.search.weights import WeightTraining
from pipeline.seeds import generator


@dataclass(frozen=True)
class Step:
    """What one step saw: for progress and metrics."""

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
        self._estimate = ESTIMATORS[params.estimator]

    def sample(self, *purpose: str | int) -> tuple[Tensor, Tensor]:
        """A point S (k,) and a price κ (), drawn for one purpose."""
        draws = generator(self._params.seed, "point", *purpose)
        points = simplex.sample_points(self._params.sampler, self._space.operations, 1, draws)
        prices = simplex.sample_prices(self.kappa_range, 1, draws)
        device = self._fabric.device
        return points[0].to(device), prices[0].to(device)

    def logits(self, point: Tensor, kappa: Tensor) -> Tensor:
        """α (E, k) at one point and price."""
        alpha: Tensor = self.hypernet(point[None], kappa[None])[0]
        return alpha

    @torch.no_grad()
    def path(self, step: int) -> Choices:
        """A path from α at a point of its own: what the weights train on."""
        p = self.logits(*self.sample("weights", step)).softmax(1).cpu()
        draws = generator(self._params.seed, "path", step)
        return self._space.canonical(torch.multinomial(p, 1, generator=draws)[:, 0].tolist())

    def step(self) -> Step:
        """One step of the hypernetwork on a batch of the architecture split."""
        point, kappa = self.sample("architecture", self.done)
        alpha = self.logits(point, kappa)
        draws = generator(self._params.seed, "estimator", self.done)
        with _constant(self._weights.net):
            cross_entropy = self._estimate(alpha, self._loss_of, draws)
            p = alpha.softmax(1)
            loss = objective(cross_entropy, p, point, kappa, self._costs, self._params.reg_weight)
            self.optimizer.zero_grad(set_to_none=True)
            self._fabric.backward(loss)
        self.optimizer.step()
        self.done += 1
        return _describe(loss, cross_entropy, p, kappa, self._costs)

    def _loss_of(self, selection: Selection) -> Tensor:
        params = self._params
        x, y = at_step(self._images, params.batch_size, params.seed + 1, self.done)
        self._weights.supernet.train()
        return F.cross_entropy(self._weights.supernet(x, selection), y)

    def state(self) -> dict[str, Any]:
        """Everything that a restart needs."""
        return {
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "done": self.done,
            "kappa_range": list(self.kappa_range),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.done = state["done"]


@contextmanager
def _constant(module: nn.Module) -> Iterator[None]:
    """Parameters that need no gradient for a while: the backward pass is a third shorter."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)


def _describe(loss: Tensor, cross_entropy: Tensor, p: Tensor, kappa: Tensor, costs: Costs) -> Step:
    p = p.detach()
    entropy = -(p * p.clamp_min(1e-12).log()).sum(1).mean()
    return Step(
        loss=float(loss.detach()),
        cross_entropy=float(cross_entropy.detach()),
        expected_latency_ms=float(expected_latency_ms(p, costs)),
        entropy=float(entropy),
        kappa=float(kappa),
    )
