"""α(S, κ) of an additive cross-entropy, without a network and without training."""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from models.alpha import Alpha
from models.spaces import Space
from pipeline.search.objective import Costs


class ClosedForm(Alpha):
    """Logits -loss / temperature, where the loss of an option is

        [v + κ·latency / ref] / (1 + κ) + (λ / E) c S

    and the latency that of its stage's best width. Widths are enumerated: for each combination
    of them the best operations are known place by place, so that the argmax of all decisions
    is the exact optimum.
    """

    values: Tensor  # (decisions, options), v
    latency: Tensor  # (E, k, M), in units of the reference
    offset: Tensor  # (widths of one elastic stage, of the next, ...), likewise
    stage: Tensor  # (E,)
    reg: Tensor  # (E, k), λ c / E

    def __init__(self, space: Space, reg_weight: float, temperature: float) -> None:
        places, operations = len(space.decisions), len(space.operations)
        super().__init__(space.mask, operations, places)
        self.reg_weight, self.temperature = reg_weight, temperature
        widths = [len(space.widths[stage]) for stage in space.elastic]
        self.register_buffer("values", torch.zeros(space.mask.shape))
        self.register_buffer("latency", torch.zeros(places, operations, max(widths, default=1)))
        self.register_buffer("offset", torch.zeros(widths))
        self.register_buffer("stage", torch.zeros(places, dtype=torch.int64))
        self.register_buffer("reg", torch.zeros(places, operations))

    def set(self, values: Tensor, costs: Costs) -> None:
        """Fill in v (decisions, options) and the prices."""
        self.values.copy_(values)
        self.latency.copy_(costs.latency_ms / costs.reference_ms)
        self.offset.copy_(costs.offset_ms / costs.reference_ms)
        self.stage.copy_(costs.stage)
        self.reg.copy_(self.reg_weight * costs.reg / len(costs.reg))

    @torch.no_grad()
    def forward(self, simplex: Tensor, kappa: Tensor) -> Tensor:
        """Logits (B, decisions, options) for points (B, k) at prices (B,)."""
        every = list(product(*map(range, self.offset.shape)))
        widths = torch.tensor(every, dtype=torch.int64).view(
            len(every), self.offset.dim()
        )  # (C, W)
        losses = self._of_places(simplex, kappa, widths)  # (B, C, E, k)
        totals = losses.min(-1).values.sum(-1) + self._of_widths(kappa, widths)  # (B, C)
        best = totals.argmin(1)
        result = torch.full((len(simplex), *self.mask.shape), torch.inf)
        result[:, : self.places, : self.operations] = losses[torch.arange(len(best)), best]
        for w, options in enumerate(self.offset.shape):
            for m in range(options):
                of_this = totals[:, widths[:, w] == m]
                result[:, self.places + w, m] = of_this.min(1).values
        return (-result / self.temperature).masked_fill(~self.mask, -torch.inf)

    def _of_places(self, simplex: Tensor, kappa: Tensor, widths: Tensor) -> Tensor:
        """The loss of every operation at every place under each combination of widths."""
        fixed = torch.zeros(len(widths), 1, dtype=torch.int64)
        of_place = torch.cat([widths, fixed], 1)[:, self.stage]  # (C, E)
        latency = self.latency[torch.arange(self.places), :, of_place]  # (C, E, k)
        values = self.values[: self.places, : self.operations]
        price = kappa[:, None, None, None]
        losses = (values + price * latency) / (1 + price)
        losses = losses + self.reg * simplex[:, None, None, :]
        offered = self.of_operations(self.mask)
        return losses.masked_fill(~offered, torch.inf)

    def _of_widths(self, kappa: Tensor, widths: Tensor) -> Tensor:
        """The loss of each combination of widths itself."""
        values = torch.zeros(len(widths))
        for w in range(widths.shape[1]):
            values = values + self.values[self.places + w, widths[:, w]]
        offset = self.offset.reshape(-1)
        return (values + kappa[:, None] * offset) / (1 + kappa[:, None])
