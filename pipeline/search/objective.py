"""What the search minimises, as functions of probabilities: no network in here.

    [CE + κ·E[latency](p) / ref] / (1 + κ)  +  (λ / E) Σ_e Σ_o c_eo p_eo S_o

with p = softmax(α(S, κ)) per decision e. The expectations use p itself, which is exact: the
mean of the one-hot argmax of α + Gumbel noise is softmax(α). Dividing by 1 + κ keeps the
largest prices from owning the gradient. ref is the latency of the uniform architecture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from edge.table import Table
from models.network import chain, count
from models.spaces import Space

RegCost = Literal["uniform", "params", "macs"]
_LEAST_COST = 0.1  # of the mean: skip and other free operations can be steered too


@dataclass(frozen=True, eq=False)
class Costs:
    """Prices of every operation at every decision; all that the objective knows of a target."""

    latency_ms: Tensor  # (E, k), 0 where the operation is not offered
    offset_ms: float
    reg: Tensor  # (E, k), c_eo
    mask: Tensor  # (E, k)

    @classmethod
    def of(cls, space: Space, table: Table, reg_cost: RegCost) -> Costs:
        """Look the space's blocks up in `table`. Raises UnknownBlock."""
        mask = torch.from_numpy(space.mask)
        latency = torch.zeros(mask.shape, dtype=torch.float32)
        for e, decision in enumerate(space.decisions):
            for block in decision.candidates:
                latency[e, space.operations.index(block.op)] = table.latency_ms(block)
        return cls(latency, table.offset_ms, reg_costs(space, reg_cost), mask)

    @property
    def reference_ms(self) -> float:
        """Latency of the uniform architecture, p = 1 / |O_e|."""
        uniform = self.mask / self.mask.sum(1, keepdim=True)
        return float(expected_latency_ms(uniform, self))

    def to(self, device: torch.device) -> Costs:
        return Costs(
            self.latency_ms.to(device), self.offset_ms, self.reg.to(device), self.mask.to(device)
        )


def reg_costs(space: Space, kind: RegCost) -> Tensor:
    """c (E, k): 1 everywhere, or parameters or MACs with mean 1 over what is offered, at least
    a tenth of the mean."""
    if kind == "uniform":
        return torch.ones(space.mask.shape)
    which = {"macs": 0, "params": 1}[kind]
    raw = np.zeros(space.mask.shape)
    for e, decision in enumerate(space.decisions):
        for block in decision.candidates:
            shape = (block.in_channels, block.height, block.width)
            raw[e, space.operations.index(block.op)] = count(chain(block, 1), shape)[which]
    scaled = raw / raw[space.mask].mean()
    return torch.from_numpy(np.maximum(scaled, _LEAST_COST)).float()


def expected_latency_ms(p: Tensor, costs: Costs) -> Tensor:
    """E[latency] of probabilities (..., E, k), in ms."""
    return costs.offset_ms + (p * costs.latency_ms).sum((-2, -1))


def simplex_penalty(p: Tensor, simplex: Tensor, costs: Costs) -> Tensor:
    """(1 / E) Σ c p S for p (..., E, k) and S (..., k)."""
    return (costs.reg * p * simplex[..., None, :]).sum((-2, -1)) / p.shape[-2]


def objective(
    cross_entropy: Tensor,
    p: Tensor,
    simplex: Tensor,
    kappa: Tensor,
    costs: Costs,
    reg_weight: float,
) -> Tensor:
    """The loss at points (S, κ): CE and κ (...), p (..., E, k), S (..., k)."""
    latency = expected_latency_ms(p, costs) / costs.reference_ms
    priced = (cross_entropy + kappa * latency) / (1 + kappa)
    return priced + reg_weight * simplex_penalty(p, simplex, costs)
