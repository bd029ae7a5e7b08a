"""What the search minimises, as functions of probabilities: no network in here. (`simplex` and
`additive` subtract temperature times entropy.)

    [CE + κ·E[latency](p) / ref] / (1 + κ)  +  (λ / E) Σ_e Σ_o c_eo p_eo S_o

with p = softmax(α(S, κ)) per decision e. The expectations use p itself, which is exact: the
mean of the one-hot argmax of α + Gumbel noise is softmax(α). Dividing by 1 + κ keeps the
largest prices from owning the gradient. ref is the latency of the uniform architecture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from edge.spec import NONE, BlockSpec
from edge.table import Table
from models.network import chain, count
from models.spaces import Choices, Decision, Space

RegCost = Literal["uniform", "params", "macs"]
_LEAST_COST = 0.1  # of the mean: skip and other free operations can be steered too


@dataclass(frozen=True, eq=False)
class Costs:
    """Prices of every operation at every place; all that the objective knows of a target.

    E places where an operation is chosen, W stages whose width is, M widths at most.
    """

    latency_ms: Tensor  # (E, k, M), 0 where there is no such operation or width
    offset_ms: Tensor  # (widths of one elastic stage, of the next, ...): of the fixed rows
    stage: Tensor  # (E,): which of the W widths a place has; W where its width is fixed
    reg: Tensor  # (E, k), c_eo
    mask: Tensor  # (E + W, options)

    @classmethod
    def of(cls, space: Space, table: Table, reg_cost: RegCost) -> Costs:
        """Look the space's blocks up in `table`. Raises UnknownBlock."""
        return cls(
            _block_prices(space, table),
            _offsets(space, table),
            torch.tensor([_stage(space, decision) for decision in space.decisions]),
            reg_costs(space, reg_cost),
            torch.from_numpy(space.mask),
        )

    @property
    def reference_ms(self) -> float:
        """Latency of the uniform architecture: every option of a decision has the same p."""
        uniform = self.mask / self.mask.sum(1, keepdim=True)
        return float(expected_latency_ms(uniform, self))

    def to(self, device: torch.device) -> Costs:
        return Costs(*(tensor.to(device) for tensor in vars(self).values()))


def reg_costs(space: Space, kind: RegCost) -> Tensor:
    """c (E, k): 1 everywhere, or parameters or MACs with mean 1 over what is offered, at least
    a tenth of the mean; 1 where all of them have none. Elastic stages count at their widest, tied
    decisions with all their places."""
    shape = (len(space.decisions), len(space.operations))
    if kind == "uniform":
        return torch.ones(shape)
    which = {"macs": 0, "params": 1}[kind]
    raw = np.zeros(shape)
    for e in range(len(space.decisions)):
        for block in (block for place in space.instances(e)[-1] for block in place.candidates):
            image = (block.in_channels, block.height, block.width)
            raw[e, space.operations.index(block.op)] += count(chain(block, 1), image)[which]
    mean = raw[space.mask[: shape[0], : shape[1]]].mean()
    if mean == 0:  # nothing that is offered costs anything: all cost alike
        return torch.ones(shape)
    scaled = raw / mean
    return torch.from_numpy(np.maximum(scaled, _LEAST_COST)).float()


def expected_latency_ms(p: Tensor, costs: Costs) -> Tensor:
    """E[latency] of probabilities (..., E + W, options), in ms.

    Multilinear: a block's price depends on the width of its stage,
    Σ_w Π_s p_s,w_s offset[w] + Σ_e Σ_o Σ_m p_eo p_s(e),m latency[e, o, m].
    """
    places, operations, options = costs.latency_ms.shape
    of_stages = p[..., places:, :options]  # (..., W, M)
    fixed = torch.eye(1, options).to(p).expand(*p.shape[:-2], 1, options)
    of_places = torch.cat([of_stages, fixed], -2)[..., costs.stage, :]  # (..., E, M)
    per_width = torch.einsum("...eo,eom->...em", p[..., :places, :operations], costs.latency_ms)
    return _expected_offset_ms(of_stages, costs.offset_ms) + (per_width * of_places).sum((-2, -1))


def _expected_offset_ms(of_stages: Tensor, offset_ms: Tensor) -> Tensor:
    """The mean of `offset_ms` (m_1, ..., m_W) under independent widths (..., W, M)."""
    axes = "abcdefgh"[: offset_ms.dim()]
    shares = [of_stages[..., w, :m] for w, m in enumerate(offset_ms.shape)]
    return torch.einsum(
        ",".join([axes, *(f"...{axis}" for axis in axes)]) + "->...", offset_ms, *shares
    )


def one_hot(choices: Sequence[int] | Sequence[Choices], costs: Costs) -> Tensor:
    """Certainty: probabilities (..., E + W, options) of exactly these choices, of one network or of
    several."""
    return torch.nn.functional.one_hot(torch.tensor(choices), costs.mask.shape[1]).float()


def _block_prices(space: Space, table: Table) -> Tensor:
    """(E, k, M), summed over the places of a decision."""
    most = max((len(space.widths[stage]) for stage in space.elastic), default=1)
    prices = torch.zeros(len(space.decisions), len(space.operations), most)
    for e in range(len(space.decisions)):
        for m, places in enumerate(space.instances(e)):
            for place, block in ((p, block) for p in places for block in p.candidates):
                prices[e, space.operations.index(block.op), m] += _price(place, block, table)
    return prices


def _price(place: Decision, block: BlockSpec, table: Table) -> float:
    """That of a block at its place, and of its share of what joins it to others."""
    if block.op == NONE:
        return 0.0
    addition, share = place.joins or (None, 0.0)
    return table.latency_ms(block) + (share * table.latency_ms(addition) if addition else 0.0)


def _offsets(space: Space, table: Table) -> Tensor:
    """Of the fixed rows, and of the blocks that no decision is about."""
    shape = [len(space.widths[stage]) for stage in space.elastic]
    skips = [0] * len(space.decisions)  # any operation: the fixed rows are the same
    glue_ms = sum(map(table.latency_ms, space.glue))
    offsets = [
        table.offset_of(space.architecture([*skips, *indices])) + glue_ms
        for indices in np.ndindex(*shape)
    ]
    return torch.tensor(offsets).view(shape)


def _stage(space: Space, decision: Decision) -> int:
    known = {stage: w for w, stage in enumerate(space.elastic)}
    return known.get(decision.stage, len(space.elastic))


def simplex_penalty(p: Tensor, simplex: Tensor, costs: Costs) -> Tensor:
    """(1 / E) Σ c p S for p (..., E + W, options) and S (..., k): widths are not penalised."""
    places, operations = costs.reg.shape
    chosen = p[..., :places, :operations]
    return (costs.reg * chosen * simplex[..., None, :]).sum((-2, -1)) / places


def entropy(p: Tensor) -> Tensor:
    """The sum over decisions (...), in nats, of probabilities p (..., E + W, options)."""
    return -(p * p.clamp_min(1e-12).log()).sum((-2, -1))


def mean_entropy(p: Tensor) -> float:
    """Of a decision, in nats: over all of them and all points."""
    return float(entropy(p).mean()) / p.shape[-2]


def objective(
    cross_entropy: Tensor,
    p: Tensor,
    simplex: Tensor,
    kappa: Tensor,
    costs: Costs,
    reg_weight: float,
) -> Tensor:
    """The loss at points (S, κ): CE and κ (...), p (..., E + W, options), S (..., k)."""
    latency = expected_latency_ms(p, costs) / costs.reference_ms
    priced = (cross_entropy + kappa * latency) / (1 + kappa)
    return priced + reg_weight * simplex_penalty(p, simplex, costs)
