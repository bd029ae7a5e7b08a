"""Random generators without state: each is a function of the seed and of what it is for.

A step that draws from ``generator(seed, "paths", step)`` draws the same after a restart, so a
checkpoint needs no generator states and resumes exactly.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch


def generator(seed: int, *purpose: str | int) -> torch.Generator:
    """A torch generator on the CPU for one purpose."""
    return torch.Generator().manual_seed(_mix(seed, purpose) >> 1)  # 63 bits


def rng(seed: int, *purpose: str | int) -> np.random.Generator:
    """A numpy generator for one purpose."""
    return np.random.default_rng(_mix(seed, purpose))


def _mix(seed: int, purpose: tuple[str | int, ...]) -> int:
    text = "/".join(map(str, (seed, *purpose)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
