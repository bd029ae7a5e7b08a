"""The hypernetwork: architecture logits as a function α(S, κ) of simplex point and price."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn


class HyperNetwork(nn.Module):
    """A bias per decision and operation plus a small MLP over (S, log κ).

    The last layer starts at zero, so α starts uniform. Logits are bounded softly by
    ``bound·tanh(·/bound)``; operations that a decision does not offer get −inf.
    """

    mask: Tensor
    log_range: Tensor

    def __init__(
        self,
        mask: npt.NDArray[np.bool_],
        *,
        kappa_range: tuple[float, float],
        hidden: Sequence[int] = (64, 64),
        bound: float = 8.0,
    ) -> None:
        """`mask`: [decisions, operations]; `kappa_range`: (min, max), both positive."""
        super().__init__()
        self.decisions, self.operations = mask.shape
        self.bound = bound
        self.register_buffer("mask", torch.tensor(mask))
        low, high = map(math.log, kappa_range)
        self.register_buffer("log_range", torch.tensor([low, high]))
        sizes = [self.operations + 1, *hidden]
        layers: list[nn.Module] = []
        for a, b in pairwise(sizes):
            layers += [nn.Linear(a, b), nn.Tanh()]
        last = nn.Linear(sizes[-1], mask.size, bias=False)
        nn.init.zeros_(last.weight)
        self.body = nn.Sequential(*layers, last)
        self.bias = nn.Parameter(torch.zeros(mask.size))

    def forward(self, simplex: Tensor, kappa: Tensor) -> Tensor:
        """Logits (B, E, k) for points `simplex` (B, k) at prices `kappa` (B,)."""
        low, high = self.log_range
        width = high - low
        position = 2 * (kappa.log() - low) / width.clamp_min(1e-9) - 1
        position = torch.where(width > 0, position, 0.0)  # equal ends: one fixed price
        inputs = torch.cat([simplex * self.operations - 1, position[:, None]], dim=1)
        raw = (self.bias + self.body(inputs)).view(-1, self.decisions, self.operations)
        bounded = self.bound * torch.tanh(raw / self.bound)
        return bounded.masked_fill(~self.mask, -torch.inf)
