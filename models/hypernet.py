"""The hypernetwork: architecture logits as a function α(S, κ) of simplex point and price."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from models.alpha import Alpha
from models.hyperbodies import BODIES


class HyperNetwork(Alpha):
    """A bias per decision and option plus a function of (S, log κ), by default a small MLP.

    α starts uniform. Logits are bounded softly by
    ``bound·tanh(·/bound)``.
    """

    log_range: Tensor

    def __init__(
        self,
        mask: npt.NDArray[np.bool_],
        operations: int,
        places: int,
        *,
        kappa_range: tuple[float, float],
        kind: str = "mlp",
        hidden: Sequence[int] = (64, 64),
        knots: int = 5,
        width: float = 0.25,
        bound: float = 8.0,
    ) -> None:
        """`mask`: [decisions, options]; `kappa_range`: (min, max), both positive."""
        super().__init__(mask, operations, places)
        self.bound = bound
        low, high = map(math.log, kappa_range)
        self.register_buffer("log_range", torch.tensor([low, high]))
        self.body = BODIES[kind](
            self.operations, mask.size, hidden=hidden, knots=knots, width=width
        )
        self.bias = nn.Parameter(torch.zeros(mask.size))

    def forward(self, simplex: Tensor, kappa: Tensor) -> Tensor:
        """Logits (B, decisions, options) for points `simplex` (B, k) at prices `kappa` (B,)."""
        low, high = self.log_range
        width = high - low
        position = 2 * (kappa.log() - low) / width.clamp_min(1e-9) - 1
        position = torch.where(width > 0, position, 0.0)  # equal ends: one fixed price
        inputs = torch.cat([simplex * self.operations - 1, position[:, None]], dim=1)
        raw = (self.bias + self.body(inputs)).view(-1, *self.mask.shape)
        bounded = self.bound * torch.tanh(raw / self.bound)
        return bounded.masked_fill(~self.mask, -torch.inf)
