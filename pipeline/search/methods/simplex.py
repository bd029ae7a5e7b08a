"""The method of EdgeFacet: a hypernetwork α(S, κ), some points and prices per step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from models.alpha import Alpha
from models.hypernet import HyperNetwork
from models.spaces import Choices, Space
from pipeline.params import SearchParams
from pipeline.search.estimators import ESTIMATORS
from pipeline.search.methods.base import Method, Setting, Step, method
from pipeline.search.objective import entropy, objective
from pipeline.search.weights import constant
from pipeline.seeds import generator


@method("simplex")
class Simplex(Method):
    """Trains a hypernetwork against the shared weights, which stand still in its steps."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        params = setting.params
        torch.manual_seed(params.seed + 1)  # the initial weights of the MLP
        net = self.blank(setting.space, params, setting.kappa_range)
        optimizer = torch.optim.Adam(net.parameters(), lr=params.hypernet.lr, betas=(0.9, 0.99))
        self.net = net
        self.hypernet, self.optimizer = setting.fabric.setup(net, optimizer)
        self._estimator = ESTIMATORS[params.estimator](setting.space, params)

    @staticmethod
    def blank(space: Space, params: SearchParams, kappa_range: tuple[float, float]) -> HyperNetwork:
        hypernet = params.hypernet
        return HyperNetwork(
            space.mask,
            len(space.operations),
            len(space.decisions),
            kappa_range=kappa_range,
            kind=hypernet.kind,
            hidden=hypernet.hidden,
            knots=hypernet.knots,
            width=hypernet.width,
            bound=hypernet.logit_bound,
        )

    def prepare(self) -> None:
        paths, images = self._estimator.looks_at
        if paths:
            self._estimator.prepare(*self.first_look(paths, images))
            self._rehearse_all()

    @torch.no_grad()
    def path(self, step: int) -> Choices:
        """A path from α at a point of its own."""
        return self.drawn(self.hypernet(*self.sample(1, "weights", step))[0], step)

    def step(self) -> Step:
        """One step of the hypernetwork on a batch."""
        setting = self.setting
        points, kappas = self.sample(self._estimator.points, "architecture", self.done)
        alpha = self.hypernet(points, kappas)  # (n, decisions, options)
        draws = generator(setting.params.seed, "estimator", self.done)
        with constant(setting.weights.net):
            losses = self._estimator.cross_entropy(alpha, self.loss_on(self.done), draws)
            p = alpha.softmax(-1)
            loss = self._descend(losses, p, points, kappas)
        self.done += 1
        return Step.of(loss, losses.detach(), p.detach(), kappas, setting.costs)

    def _descend(self, losses: Tensor, p: Tensor, points: Tensor, kappas: Tensor) -> float:
        """One step of the optimiser down the objective less T · entropy; returns the objective."""
        setting = self.setting
        params = setting.params
        loss = objective(losses, p, points, kappas, setting.costs, params.reg_weight).mean()
        self.optimizer.zero_grad(set_to_none=True)
        setting.fabric.backward(loss - params.temperature * entropy(p).mean())
        self.optimizer.step()
        return float(loss.detach())

    def _rehearse_all(self) -> None:
        hypernet = self.setting.params.hypernet
        for step in range(hypernet.rehearsal):
            self._rehearse(step)
        if hypernet.rehearsal:  # a few paths a round are noise enough to undo it
            for group in self.optimizer.param_groups:
                group["lr"] = hypernet.rehearsed_lr

    def _rehearse(self, step: int) -> None:
        """One step on what is known without an image: a round costs as much as fifty of these."""
        points, kappas = self.sample(self._estimator.points, "rehearsal", step)
        alpha = self.hypernet(points, kappas)
        self._descend(self._estimator.known(alpha), alpha.softmax(-1), points, kappas)

    def alpha(self) -> Alpha:
        return self.net.float().cpu()  # who reads it knows nothing of the search's precision

    def state(self) -> dict[str, Any]:
        return {
            **super().state(),
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "estimator": self._estimator.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._estimator.restore(state["estimator"])
