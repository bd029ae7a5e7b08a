"""Differences over seeds, with the interval that they allow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from edge.statistics import t_quantile

CONFIDENCE = 0.95
GAIN = 0.02  # what a method that is worth its trouble wins on average
LEAST_SEEDS = 5  # two seeds that happen to agree have a narrow interval, and show nothing
Verdict = Literal["wins", "loses", "ties", "undecided"]


@dataclass(frozen=True)
class Difference:
    """Mean over n seeds of one against other, and the half width of its interval."""

    mean: float
    half: float
    n: int
    nothing: int = 0  # seeds left out because the other has nothing: it is infinitely far behind

    @property
    def has_a_verdict(self) -> bool:
        """Whether there are seeds enough for one."""
        return self.n >= LEAST_SEEDS

    def verdict(self, margin: float) -> Verdict:
        """What the interval says of one against other: inside ± margin it ties, even beyond 0, for
        that little is worth nothing; beyond 0 it wins or loses; an interval that says neither, or
        one of too few seeds, is undecided."""
        if not self.has_a_verdict:
            return "undecided"
        lo, hi = self.mean - self.half, self.mean + self.half
        if -margin < lo and hi < margin:
            return "ties"
        if lo > 0:
            return "wins"
        return "loses" if hi < 0 else "undecided"

    def clears(self, margin: float) -> bool:
        """Whether the interval, of seeds enough, lies above -margin and the mean above `GAIN`."""
        return self.has_a_verdict and self.mean > GAIN and self.mean - self.half > -margin


def relative(one: Mapping[int, float], other: Mapping[int, float]) -> Difference | None:
    """Of values by seed, over the seeds that both have and in which the other has something, one
    minus other by other; None without such a seed."""
    shared = sorted(set(one) & set(other))
    told = [one[seed] / other[seed] - 1 for seed in shared if other[seed] > 0]
    return replace(over_seeds(told), nothing=len(shared) - len(told)) if told else None


def over_seeds(differences: Sequence[float]) -> Difference:
    """Of one number per seed, at least one, with its t-interval; that of one seed is infinite."""
    values, n = np.array(differences), len(differences)
    half = math.inf
    if n > 1:
        half = t_quantile(CONFIDENCE, n - 1) * float(values.std(ddof=1)) / math.sqrt(n)
    return Difference(float(values.mean()), half, n)
