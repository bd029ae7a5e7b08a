"""How the cross-entropy of sampled paths becomes a gradient for the logits.

An estimator draws what to run, calls `loss_of` and returns a loss whose gradient reaches the
logits. A new one registers itself; the search needs no change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from models.supernet import Selection

LossOf: TypeAlias = Callable[[Selection], Tensor]
Estimator: TypeAlias = Callable[[Tensor, LossOf, torch.Generator], Tensor]

ESTIMATORS: dict[str, Estimator] = {}


def estimator(name: str) -> Callable[[Estimator], Estimator]:
    """Register an estimator under the name that `search.estimator` gives it."""

    def register(function: Estimator) -> Estimator:
        if name in ESTIMATORS:
            raise ValueError(f"estimator {name!r} is registered twice")
        ESTIMATORS[name] = function
        return function

    return register


@estimator("two-path")
def two_path(logits: Tensor, loss_of: LossOf, generator: torch.Generator) -> Tensor:
    """Two operations per decision, one of them active (Cai et al., 2019, ProxylessNAS).

    The pair is drawn without replacement from softmax(logits); its probabilities are
    renormalised over the pair. Both outputs are computed, only the active one is passed on,
    and dL/dp of both is the gradient of the gates.
    """
    probabilities = logits.detach().softmax(1).cpu()
    pairs = torch.multinomial(probabilities, 2, generator=generator)  # (E, 2)
    soft = logits.gather(1, pairs.to(logits.device)).softmax(1)
    active = torch.multinomial(soft.detach().cpu(), 1, generator=generator)[:, 0]
    hard = F.one_hot(active, 2).to(soft)
    gates = hard + soft - soft.detach()
    return loss_of(
        [
            [(int(op), gate) for op, gate in zip(pair, row, strict=True)]
            for pair, row in zip(pairs.tolist(), gates, strict=True)
        ]
    )


@estimator("straight-through")
def straight_through(logits: Tensor, loss_of: LossOf, generator: torch.Generator) -> Tensor:
    """One operation per decision whose gate has the value one and the gradient of its
    probability (Dong and Yang, 2019, GDAS). Known to collapse to cheap operations: it hears
    nothing of the alternatives."""
    probabilities = logits.softmax(1)
    drawn = torch.multinomial(probabilities.detach().cpu(), 1, generator=generator)  # (E, 1)
    chosen = probabilities.gather(1, drawn.to(logits.device))[:, 0]
    gates = 1 + chosen - chosen.detach()
    return loss_of([[(int(op), gate)] for op, gate in zip(drawn[:, 0], gates, strict=True)])
