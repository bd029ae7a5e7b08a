"""The tail of a target: how far above its median a high percentile of latency lies.

Budgets are about a percentile, predictions about the median; a target's records of whole
networks say what the one is of the other. The logarithms of the ratios get one conjugate
normal-inverse-gamma model, so that one formula serves every number of records, zero included
(Murphy, Conjugate Bayesian analysis of the Gaussian distribution, 2007, section 3).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from edge.errors import EdgeError
from edge.record import Measurement

# What is believed before any record: log(percentile / median), worth one record.
_PRIOR_LOG_RATIO = {90: 0.06, 95: 0.10, 99: 0.25}
_PRIOR_RECORDS = 1.0
_PRIOR_FREEDOM = 3.0
_PRIOR_SHARE = 0.5  # prior sd of a log ratio, as a share of its prior mean

PERCENTILES = tuple(_PRIOR_LOG_RATIO)


class UnknownPercentile(EdgeError, ValueError):
    """A percentile that is not kept."""

    def __init__(self, percentile: int) -> None:
        names = ", ".join(map(str, PERCENTILES))
        super().__init__(f"percentile {percentile} is not kept; choose one of {names}")


@dataclass(frozen=True)
class TailRatio:
    """Percentile over median of a target: typical, and bounds for a network not yet measured.

    `n` records were long enough to show the percentile.
    """

    ratio: float
    lo: float
    hi: float
    n: int


def tail_ratio(
    weighted: Iterable[tuple[Measurement, float]], percentile: int, confidence: float
) -> TailRatio:
    """The tail ratio that records, each with a weight in 0..1, show.

    Each bound holds with probability (1 + confidence) / 2. Raises UnknownPercentile.
    """
    if percentile not in PERCENTILES:
        raise UnknownPercentile(percentile)
    shown = [(_log_ratio(m, percentile), w) for m, w in weighted if _shows(m, percentile)]
    logs = np.array([log for log, _ in shown], dtype=np.float64)
    weights = np.array([w for _, w in shown], dtype=np.float64)
    total = float(weights.sum())
    prior = _PRIOR_LOG_RATIO[percentile]
    records = _PRIOR_RECORDS + total
    freedom = _PRIOR_FREEDOM + total
    mean = (_PRIOR_RECORDS * prior + float(weights @ logs)) / records
    squares = _PRIOR_FREEDOM * (_PRIOR_SHARE * prior) ** 2 + _PRIOR_RECORDS * (prior - mean) ** 2
    squares += float(weights @ (logs - mean) ** 2)
    scale = math.sqrt(squares / freedom * (1 + 1 / records))
    half = one_sided_t(0.5 + confidence / 2, freedom) * scale
    lo = math.exp(max(0.0, mean - half))  # a percentile above the 50th is no less than the median
    return TailRatio(math.exp(mean), lo, math.exp(mean + half), len(shown))


def one_sided_t(probability: float, freedom: float) -> float:
    """t such that T ≤ t with `probability`, for Student's T, to three digits for freedom >= 3.

    Weights give a `freedom` that is not whole, which `edge.statistics.t_quantile`, the t of two
    sides, cannot take. The expansion around the normal quantile in Abramowitz and Stegun, 26.7.5.
    """
    z = NormalDist().inv_cdf(probability)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / freedom ** (k + 1) for k, term in enumerate(terms))


def _shows(measurement: Measurement, percentile: int) -> bool:
    """Whether at least two runs lie beyond the percentile."""
    runs = sum(map(len, measurement.samples_ns))
    return runs * (100 - percentile) >= 200


def _log_ratio(measurement: Measurement, percentile: int) -> float:
    samples = np.concatenate([np.asarray(block, np.float64) for block in measurement.samples_ns])
    return float(np.log(np.quantile(samples, percentile / 100) / np.median(samples)))
