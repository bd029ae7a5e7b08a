"""Whether a target as a whole has changed since its table was measured."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from edge.statistics import t_quantile
from pipeline.verified import Verified

LEAST = 3  # members; fewer cannot tell a slower target from a network that is predicted badly
WORTH_TELLING = 0.03  # what a quiet machine drifts by in an hour
CONFIDENCE = 0.95
_PLACE = "results/verify/records.jsonl"


@dataclass(frozen=True)
class Drift:
    """Measured over predicted latency of n members: their geometric mean, and its interval."""

    ratio: float
    lo: float
    hi: float
    n: int

    @property
    def advice(self) -> str | None:
        """What to do where all members are off in the same direction; None where they are not."""
        if self.lo <= 1 <= self.hi or abs(math.log(self.ratio)) < math.log1p(WORTH_TELLING):
            return None
        than = "slower" if self.ratio > 1 else "faster"
        return (
            f"members are on the whole {abs(self.ratio - 1):.0%} {than} than predicted "
            f"({self.lo - 1:+.0%} to {self.hi - 1:+.0%}): this target is {than} than when it was "
            f"profiled. See `facet info` for why, or teach the table what it is now: "
            f"`facet feedback add {_PLACE}`, then `dvc repro`"
        )


def drift(verified: Iterable[Verified]) -> Drift | None:
    """How far measurements are from predictions as a whole; None for fewer than three members.

    The logarithms of the ratios have a mean, and Student's t bounds it.
    """
    logs = [
        math.log(v.latency.median_ms / v.prediction.mean_ms)
        for v in verified
        if v.latency is not None and v.prediction is not None
    ]
    n = len(logs)
    if n < LEAST:
        return None
    mean, sd = float(np.mean(logs)), float(np.std(logs, ddof=1))
    half = t_quantile(CONFIDENCE, n - 1) * sd / math.sqrt(n)
    return Drift(math.exp(mean), math.exp(mean - half), math.exp(mean + half), n)
