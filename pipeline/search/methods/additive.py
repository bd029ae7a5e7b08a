"""A method without a network: an additive model of the cross-entropy, solved exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from models.spaces import Choices, Space
from pipeline.params import SearchParams
from pipeline.search.estimators.additive import AdditiveModel
from pipeline.search.estimators.reinforce import draw_paths, losses_of, step_weight
from pipeline.search.methods.base import Method, Setting, Step, method
from pipeline.search.methods.closed_form import ClosedForm
from pipeline.search.objective import objective
from pipeline.seeds import generator


@method("additive")
class Additive(Method):
    """α is softmax(-loss / temperature) of every option, the loss being that of the objective
    with CE(path) ≈ Σ_e v[e, choice_e]: its argmax is the exact optimum of that model.

    v is a ridge regression on paths of all latencies through the warmed-up weights, and on paths of
    α while the weights go on training along them.
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        decisions, options = setting.space.mask.shape
        self.model = AdditiveModel(decisions, options, setting.params.reinforce.ridge)
        self._alpha = self._solved()

    @staticmethod
    def blank(space: Space, params: SearchParams, kappa_range: tuple[float, float]) -> ClosedForm:
        return ClosedForm(space, params.reg_weight, params.temperature)

    def prepare(self) -> None:
        setting = self.setting
        reinforce = setting.params.reinforce
        if reinforce.prepared:
            self.model.add(*self.first_look(reinforce.prepared, reinforce.images))
            self._alpha = self._solved()

    def path(self, step: int) -> Choices:
        points, kappas = self.sample(1, "weights", step)
        return self.drawn(self._alpha(points.cpu(), kappas.cpu())[0], step)

    def step(self) -> Step:
        """Run a few paths of α, and learn from what they lose."""
        setting = self.setting
        points, kappas = (t.cpu() for t in self.sample(setting.params.reinforce.paths, self.done))
        p = self._alpha(points, kappas).softmax(-1)  # (m, decisions, options)
        draws = generator(setting.params.seed, "estimator", self.done)
        paths = draw_paths(p, draws)
        losses = losses_of(setting.space, paths, self.loss_on(self.done)).cpu()
        self.model.add(paths, losses, step_weight(setting.params))
        self._alpha = self._solved()
        self.done += 1
        costs = setting.costs.to(torch.device("cpu"))
        loss = objective(losses, p, points, kappas, costs, setting.params.reg_weight).mean()
        return Step.of(float(loss), losses, p, kappas, costs)

    def alpha(self) -> ClosedForm:
        return self._alpha

    def state(self) -> dict[str, Any]:
        return {**super().state(), "model": self.model.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.model.restore(state["model"])
        self._alpha = self._solved()

    def _solved(self) -> ClosedForm:
        setting = self.setting
        alpha = self.blank(setting.space, setting.params, setting.kappa_range)
        alpha.set(self.model.values.float(), setting.costs.to(torch.device("cpu")))
        return alpha
