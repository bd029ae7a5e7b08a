"""Raw samples → a summary: the median with an interval, percentiles as upper bounds.

Latencies are neither independent nor normal: they drift between blocks of runs and their slow
runs come in bursts. The interval of the median is therefore taken from the spread BETWEEN
blocks, and a percentile's bound counts a burst as little evidence, not as many runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.errors import EdgeError

MIN_BLOCKS_FOR_INTERVAL = 5
_NS_PER_MS = 1e6
_MIN_SEGMENTS = 7  # fewer stretches say too little about the variance between them

Array = npt.NDArray[np.float64]


class NoSamples(EdgeError, ValueError):
    """There is nothing to summarise."""


@dataclass(frozen=True)
class Summary:
    """What the samples say, in ms; `None` where there are too few runs to say it.

    `lo_ms .. hi_ms` holds the median; `p90_ms`, `p95_ms` and `p99_ms` are upper bounds of
    those percentiles; `n` runs in `blocks` blocks.
    """

    median_ms: float
    lo_ms: float
    hi_ms: float
    min_ms: float
    p90_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    n: int
    blocks: int


def summarise(samples_ns: Sequence[Sequence[int]], confidence: float = 0.95) -> Summary:
    """Summarise blocks of runs, each a sequence of nanoseconds in the order they were taken.

    With at least five blocks the interval is Student's t-interval of the mean of the block
    medians, widened to hold the median of all runs; with fewer it is their range, which claims
    no confidence. Raises NoSamples where there is no run.
    """
    blocks = [np.asarray(block, dtype=np.float64) / _NS_PER_MS for block in samples_ns if block]
    if not blocks:
        raise NoSamples("there are no samples to summarise: measure at least one run")
    runs = np.concatenate(blocks)
    median = float(np.median(runs))
    lo, hi = _between_blocks(np.array([np.median(block) for block in blocks]), confidence)
    p90, p95, p99 = percentile_bounds(blocks, (0.90, 0.95, 0.99), confidence)
    return Summary(
        median_ms=median,
        lo_ms=min(lo, median),
        hi_ms=max(hi, median),
        min_ms=float(runs.min()),
        p90_ms=p90,
        p95_ms=p95,
        p99_ms=p99,
        n=len(runs),
        blocks=len(blocks),
    )


def median_ms(samples_ns: Sequence[Sequence[int]]) -> float:
    """The median of all runs alone, which costs a hundredth of `summarise`. Raises NoSamples."""
    runs = sorted(ns for block in samples_ns for ns in block)
    if not runs:
        raise NoSamples("there are no samples to summarise: measure at least one run")
    middle = len(runs) // 2
    return (runs[middle] / _NS_PER_MS + runs[-1 - middle] / _NS_PER_MS) / 2


def percentile_bounds(
    blocks: Sequence[Array], quantiles: Sequence[float], confidence: float = 0.95
) -> list[float | None]:
    """An upper bound of each quantile, at least the median; None where runs are too few.

    The largest of three: the order statistic of the n runs as if they were independent (Conover,
    Practical Nonparametric Statistics, 3.2); that of as many independent runs as they are worth;
    and the quantile of the slowest block, because a processor that changes its clock makes whole
    blocks slow. Runs are worth n divided by the design effect: the variance, inside the blocks,
    of the number of slow runs per stretch of runs over what independent runs would have (batch
    means; Heidelberger & Lewis, Operations Research 32, 1984). The worst design effect holds for
    all quantiles, so that their bounds are in order. A burst that did not happen cannot be
    foreseen.
    """
    runs = np.sort(np.concatenate(blocks))
    n = len(runs)
    worth = int(n / max(_design_effect(blocks, runs, 1 - q) for q in quantiles))
    bounds: list[float | None] = []
    for q in quantiles:
        pooled = order_statistic(n, q, confidence)
        dependent = order_statistic(worth, q, confidence, least=0)
        if pooled is None or dependent is None:
            bounds.append(None)
        else:
            slower = min(pooled, dependent * n // worth)
            slowest_block = max(float(np.quantile(block, q)) for block in blocks)
            bounds.append(max(float(runs[n - 1 - slower]), float(np.median(runs)), slowest_block))
    return bounds


def order_statistic(n: int, q: float, confidence: float = 0.95, least: int = 1) -> int | None:
    """How many of `n` independent runs may lie above an upper bound of the `q` quantile.

    The largest j with P(Binomial(n, 1 - q) ≤ j) ≤ 1 - confidence; None where it is below
    `least`. With `least` = 1 a single outlier is not the answer: at 95 % that takes 46 runs
    for p90, 93 for p95 and 473 for p99, the numbers of MLPerf LoadGen.
    """
    if n < 1:
        return None
    slow = np.arange(1, n + 1)
    log_ratio = np.log((n - slow + 1) / slow * (1 - q) / q)
    log_pmf = n * math.log(q) + np.concatenate([[0.0], np.cumsum(log_ratio)])
    rank = int(np.searchsorted(np.cumsum(np.exp(log_pmf)), 1 - confidence, side="right")) - 1
    return rank if rank >= least else None


def t_quantile(confidence: float, degrees: int) -> float:
    """t such that |T| ≤ t with probability `confidence`, for Student's T with `degrees` ≥ 1.

    Bisection on the closed form for whole degrees of freedom (Abramowitz & Stegun, 26.7.3-4).
    """
    lo, hi = 0.0, math.pi / 2
    for _ in range(60):  # each halves the angle's error: 60 exhaust a double
        angle = (lo + hi) / 2
        lo, hi = (angle, hi) if _t_within(angle, degrees) < confidence else (lo, angle)
    return math.sqrt(degrees) * math.tan(lo)


def _t_within(angle: float, degrees: int) -> float:
    """P(|T| ≤ t) with angle = arctan(t / sqrt(degrees))."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = degrees % 2
    term, total = (cosine, 0.0) if odd else (1.0, 0.0)
    for k in range(1 + odd, degrees, 2):
        total += term
        term *= k / (k + 1) * cosine * cosine
    return 2 / math.pi * (angle + sine * total) if odd else sine * total


def _between_blocks(medians: Array, confidence: float) -> tuple[float, float]:
    count = len(medians)
    if count < MIN_BLOCKS_FOR_INTERVAL:
        return float(medians.min()), float(medians.max())
    half = t_quantile(confidence, count - 1) * float(medians.std(ddof=1)) / math.sqrt(count)
    centre = float(medians.mean())
    return centre - half, centre + half


def _design_effect(blocks: Sequence[Array], runs: Array, tail: float) -> float:
    """How many runs are worth one independent run, at least 1; `runs` are sorted.

    The largest over stretches of 4, 8, 16, ... runs: the length of a burst is not known.
    """
    n = len(runs)
    threshold = runs[max(0, n - 1 - math.floor(tail * n))]
    slow = [block >= threshold for block in blocks]
    worst, length = 1.0, 4
    while len(counts := [_counts(block, length) for block in slow if len(block) >= 2 * length]):
        degrees = sum(len(c) - 1 for c in counts)
        if degrees < _MIN_SEGMENTS:
            break
        # Around each block's own mean: that a whole block is slow is no burst.
        found = sum(float(((c - c.mean()) ** 2).sum()) for c in counts)
        expected = sum((len(c) - 1) * float(c.mean() * (1 - c.mean() / length)) for c in counts)
        if expected > 0:
            worst = max(worst, found / expected)
        length *= 2
    return worst


def _counts(slow: npt.NDArray[np.bool_], length: int) -> Array:
    """The number of slow runs in every whole stretch of `length` runs."""
    stretches = slow[: len(slow) // length * length].reshape(-1, length)
    counts: Array = stretches.sum(axis=1, dtype=np.float64)
    return counts
