"""α(S, κ): logits for every decision, as a function of a simplex point and a price of latency."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn


class Alpha(nn.Module):
    """What a search leaves behind: a module (S (B, k), κ (B,)) → logits (B, decisions, options).

    The first `places` decisions are about the `operations`, the others about widths. What a
    decision does not offer has the logit −inf.
    """

    mask: Tensor  # (decisions, options)

    def __init__(self, mask: npt.NDArray[np.bool_], operations: int, places: int) -> None:
        super().__init__()
        self.register_buffer("mask", torch.tensor(mask))
        self.operations, self.places = operations, places

    def of_operations(self, p: Tensor) -> Tensor:
        """What the probabilities (..., decisions, options) say of operations (..., places, k)."""
        return p[..., : self.places, : self.operations]


class Uniform(Alpha):
    """Every option of a decision alike, whatever S and κ: a search that prefers nothing."""

    def forward(self, simplex: Tensor, kappa: Tensor) -> Tensor:
        logits = torch.zeros(self.mask.shape, device=simplex.device)
        return logits.masked_fill(~self.mask, -torch.inf).expand(len(simplex), -1, -1)


class Tables(Alpha):
    """One table of logits per price, deaf to S: what methods leave that search for one price at a
    time. Between two prices the nearer one in log κ answers."""

    prices: Tensor  # (n,)
    logits: Tensor  # (n, decisions, options)

    def __init__(
        self,
        mask: npt.NDArray[np.bool_],
        operations: int,
        places: int,
        prices: Sequence[float],
    ) -> None:
        super().__init__(mask, operations, places)
        self.register_buffer("prices", torch.tensor(prices))
        self.register_buffer("logits", torch.zeros(len(prices), *mask.shape))

    def forward(self, simplex: Tensor, kappa: Tensor) -> Tensor:
        distances = (kappa.log()[:, None] - self.prices.log()).abs()  # (B, n)
        return self.logits[distances.argmin(1)].masked_fill(~self.mask, -torch.inf)
