"""How far a calibration has moved the prices of operations, relative to each other.

A search weighs operations against each other: a device that is slower as a whole changes nothing
for it, one on which a single operation is dearer than the table says does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from edge.bayes import Floats
from edge.predictor import LEAST_MS, Calibration
from edge.spec import BlockSpec

WORTH_A_SEARCH = 0.15  # what a price must have moved by


@dataclass(frozen=True)
class Price:
    """An operation's mean latency over its blocks: by the table and as calibrated.

    `moved` is how much more it has changed than all operations together, as a share; `doubt` is
    the half width of its interval.
    """

    op: str
    table_ms: float
    calibrated_ms: float
    moved: float
    doubt: float

    @property
    def worth_a_search(self) -> bool:
        """Whether it moved far, and farther than the records leave in doubt."""
        return abs(self.moved) > max(WORTH_A_SEARCH, self.doubt)


def prices(calibration: Calibration) -> list[Price]:
    """The price of every operation of the table, the one that moved farthest first.

    Calibrated, an operation of mean latency t_k costs b t_k + r_k, so its factor is b + r_k / t_k;
    the factor of all together is the mean of these, weighted by what the operations cost. Both are
    linear in (a0, b, r), and their ratio nearly so: its variance is that of its differential.
    """
    costs_ms = _costs_ms(calibration)
    if not costs_ms:
        return []
    mean_ms = np.array([np.mean(costs_ms[op]) for op in costs_ms])
    total_ms = np.array([np.sum(costs_ms[op]) for op in costs_ms])
    factors = _factors(calibration.ops, list(costs_ms), mean_ms)  # (ops, p)
    together = total_ms / total_ms.sum() @ factors  # (p,)
    known = slice(factors.shape[1])  # what weights beyond a cache cost is no operation's price
    mean = calibration.posterior.mean[known]
    covariance = calibration.posterior.covariance[known, known]
    factor, overall = factors @ mean, float(together @ mean)
    moved = factor / overall - 1
    slope = (factors - (1 + moved)[:, None] * together) / overall
    sd = np.sqrt(np.einsum("kp,pq,kq->k", slope, covariance, slope))
    half = NormalDist().inv_cdf(0.5 + calibration.confidence / 2) * sd
    columns = (mean_ms, factor * mean_ms, moved, half)
    found = [Price(op, *map(float, row)) for op, *row in zip(costs_ms, *columns, strict=True)]
    return sorted(found, key=lambda price: -abs(price.moved))


def _costs_ms(calibration: Calibration) -> Mapping[str, Sequence[float]]:
    """The latencies of every operation's blocks; blocks that cost nothing have no price."""
    costs_ms: dict[str, list[float]] = {}
    for key, row in calibration.table.rows.items():
        if row.latency_ms > LEAST_MS:
            costs_ms.setdefault(BlockSpec.from_key(key).op, []).append(row.latency_ms)
    return costs_ms


def _factors(ops: Sequence[str], priced: Sequence[str], mean_ms: Floats) -> Floats:
    """Rows that take (a0, b, r) to the factor of an operation: (0, 1, 1 / t_k at k)."""
    rows = np.zeros((len(priced), 2 + len(ops)))
    rows[:, 1] = 1.0
    for place, op in enumerate(priced):
        if op in ops:  # a skip that changes the geometry has a block, but no bias of its own
            rows[place, 2 + ops.index(op)] = 1 / mean_ms[place]
    return rows
