"""How the use of an operation changes as its penalty grows from the centre to its vertex."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from models.alpha import Alpha
from pipeline.search.simplex import named_point

STEPS = 11
PRICES = 16


@dataclass(frozen=True)
class Use:
    """The use of an operation at S_o = `penalty`, the other operations sharing the rest."""

    operation: str
    penalty: float
    argmax_share: float  # of the decisions that offer it, over the prices
    mean_probability: float  # over the same


@torch.no_grad()
def sweep(alpha: Alpha, operations: Sequence[str], kappa_range: tuple[float, float]) -> list[Use]:
    """`STEPS` points per operation, each the mean over `PRICES` prices spread over the range."""
    prices = torch.tensor(np.geomspace(*kappa_range, PRICES), dtype=torch.float32)
    found = []
    for index, operation in enumerate(operations):
        offered = alpha.of_operations(alpha.mask)[:, index]  # (E,)
        for penalty in np.linspace(1 / len(operations), 1, STEPS).tolist():
            point = named_point({operation: penalty}, operations).expand(PRICES, -1)
            p = alpha(point, prices).softmax(-1)
            p = alpha.of_operations(p)[:, offered]  # (PRICES, E', k)
            share = float((p.argmax(-1) == index).float().mean())
            found.append(Use(operation, penalty, share, float(p[..., index].mean())))
    return found
