"""Estimators that pass a gradient back through the gates of what they ran."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.search.estimators.base import Estimator, LossOf, estimator


@estimator("two-path")
class TwoPath(Estimator):
    """Two operations per decision, one of them active (Cai et al., 2019, ProxylessNAS).

    The pair is drawn without replacement from softmax(logits); its probabilities are
    renormalised over the pair. Both outputs are computed, only the active one is passed on,
    and dL/dp of both is the gradient of the gates.
    """

    def cross_entropy(self, logits: Tensor, loss_of: LossOf, generator: torch.Generator) -> Tensor:
        (alpha,) = logits
        pairs = draw_pairs(alpha, generator)
        return loss_of(binary_gates(alpha, pairs, generator))[None]


def draw_pairs(alpha: Tensor, generator: torch.Generator) -> Tensor:
    """Two different options (E, 2) per decision, drawn from softmax(alpha (E, k))."""
    probabilities = alpha.detach().softmax(1).cpu()
    return torch.multinomial(probabilities, 2, generator=generator).to(alpha.device)


def binary_gates(
    alpha: Tensor, pairs: Tensor, generator: torch.Generator
) -> list[list[tuple[int, Tensor]]]:
    """A selection of pairs (E, 2): one of each with gate one, the other with gate zero, and both
    with the gradient of their probability over the pair."""
    soft = alpha.gather(1, pairs).softmax(1)
    active = torch.multinomial(soft.detach().cpu(), 1, generator=generator)[:, 0]
    hard = F.one_hot(active, 2).to(soft)
    gates = hard + soft - soft.detach()
    return [
        list(zip(pair, row, strict=True)) for pair, row in zip(pairs.tolist(), gates, strict=True)
    ]


@estimator("straight-through")
class StraightThrough(Estimator):
    """One operation per decision whose gate has the value one and the gradient of its
    probability (Dong and Yang, 2019, GDAS). Known to collapse to cheap operations: it hears
    nothing of the alternatives."""

    def cross_entropy(self, logits: Tensor, loss_of: LossOf, generator: torch.Generator) -> Tensor:
        (alpha,) = logits
        probabilities = alpha.softmax(1)
        drawn = torch.multinomial(probabilities.detach().cpu(), 1, generator=generator)  # (E, 1)
        chosen = probabilities.gather(1, drawn.to(alpha.device))[:, 0]
        gates = 1 + chosen - chosen.detach()
        loss = loss_of([[(int(op), gate)] for op, gate in zip(drawn[:, 0], gates, strict=True)])
        return loss[None]
