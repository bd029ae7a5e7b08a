"""DARTS (Liu, Simonyan and Yang, 2019): all candidates, mixed by softmax(α)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pipeline.search.methods.base import Setting, Step, method
from pipeline.search.methods.mixed import Mixed
from pipeline.search.objective import objective
from pipeline.search.unrolled import unrolled_gradient
from pipeline.search.weights import constant
from pipeline.seeds import generator

_SPREAD = 1e-3  # standard deviation of the first logits


@method("darts")
class Darts(Mixed):
    """In turn a step of α on its own images, at weights as they are (first order) or a step
    ahead (second order), and a step of the weights. The loss has the price that the paper's has
    not: (CE + κ E[latency] / ref) / (1 + κ)."""

    def __init__(self, setting: Setting) -> None:
        self._darts = setting.params.darts
        super().__init__(setting, self._darts)

    def initial(self, search: int) -> Tensor:
        draws = generator(self.setting.params.seed, "logits", search)
        return _SPREAD * torch.randn(self.setting.space.mask.shape, generator=draws)

    def step(self) -> Step:
        """A step of the logits, then one of the weights."""
        search, _, _ = self.begin_round()
        draws = generator(self.setting.params.seed, "widths", self.done)
        widths = self.draw_widths(self.masked(search), draws)
        seen = self._learn(search, widths)
        self.own.step_on(self.mixture(self.masked(search).detach().softmax(1), widths))
        self.done += 1
        return seen

    def _learn(self, search: int, widths: Sequence[int]) -> Step:
        """One step of the logits of a search, on its own images."""
        seen: list[Step] = []
        loss_of = self.loss_on(self.done, self.own)

        def held_out() -> Tensor:
            alpha = self.masked(search)
            losses = loss_of(self.mixture(alpha.softmax(1), widths))[None]
            estimate = self.with_widths(search, losses[0], alpha, widths)[None]
            loss, step = self._priced(search, estimate, alpha.softmax(1)[None])
            seen.append(step)
            return loss

        def learned() -> Tensor:
            return self.own.loss(self.mixture(self.masked(search).softmax(1), widths))

        if self._darts.order == 1:
            with constant(self.own.net):
                self.descend(search, held_out())
        else:
            weights, logits = list(self.own.net.parameters()), self.logits[search]
            (logits.grad,) = unrolled_gradient(weights, [logits], learned, held_out, xi=self.own.lr)
            self.optimizers[search].step()
        return seen[0]

    def _priced(self, search: int, losses: Tensor, p: Tensor) -> tuple[Tensor, Step]:
        """The objective of EdgeFacet without its simplex."""
        setting, kappa = self.setting, self.price(search)
        nowhere = p.new_zeros(1, len(setting.space.operations))
        loss = objective(losses, p, nowhere, kappa, setting.costs, reg_weight=0.0).mean()
        number = float(loss.detach())
        return loss, Step.of(number, losses.detach(), p.detach(), kappa, setting.costs)
