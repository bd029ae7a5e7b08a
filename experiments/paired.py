"""Paired differences over seeds, with the interval that they allow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edge.statistics import t_quantile

CONFIDENCE = 0.95
GAIN = 0.02  # what a method that is worth its trouble wins on average
Verdict = Literal["wins", "loses", "ties", "undecided"]


@dataclass(frozen=True)
class Difference:
    """Mean over n shared seeds of one minus other, relative to other, and its half width."""

    mean: float
    half: float
    n: int

    def verdict(self, margin: float) -> Verdict:
        """What the interval says of one against other: beyond 0 it wins or loses; inside ± margin
        it ties; an interval that says neither is undecided."""
        lo, hi = self.mean - self.half, self.mean + self.half
        if lo > 0:
            return "wins"
        if hi < 0:
            return "loses"
        return "ties" if -margin < lo and hi < margin else "undecided"

    def clears(self, margin: float) -> bool:
        """Whether the interval lies above -margin and the mean above `GAIN`."""
        return self.mean > GAIN and self.mean - self.half > -margin


def relative(one: Mapping[int, float], other: Mapping[int, float]) -> Difference | None:
    """Of values by seed; None without a shared seed. The half width is infinite for one.

    A seed in which the other has nothing is left out: it is infinitely far behind.
    """
    shared = sorted(seed for seed in set(one) & set(other) if other[seed] > 0)
    if not shared:
        return None
    values = np.array([one[seed] / other[seed] - 1 for seed in shared])
    n = len(values)
    if n == 1:
        return Difference(float(values[0]), math.inf, 1)
    half = t_quantile(CONFIDENCE, n - 1) * float(values.std(ddof=1)) / math.sqrt(n)
    return Difference(float(values.mean()), half, n)
