"""Gumbel noise, which turns the largest logit into a draw from their softmax."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def gumbel_noise(shape: Sequence[int], draws: torch.Generator) -> Tensor:
    """Standard Gumbel numbers, finite: −log(−log u) of a uniform u kept off 0 and 1."""
    uniform = torch.rand(*shape, generator=draws).clamp(1e-10, 1 - 1e-7)
    return -torch.log(-torch.log(uniform))
