"""Which networks to measure next: those that tell most about all the others.

Greedy A-optimal design (Chaloner & Verdinelli, Bayesian experimental design: a review,
Statistical Science 10, 1995): each network in turn is the one whose measurement lowers the mean
relative variance of the predictions of all candidates most. The variance of a linear model does
not depend on what will be measured, so that all can be named at once.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from edge.bayes import Floats
from edge.errors import EdgeError
from edge.feedback.candidates import Candidate
from edge.predictor import Calibration, Prediction
from edge.spec import Architecture
from edge.table import UnknownBlock

_NEAR = 0.1  # of a budget: the sd, as a share, of how much a network's latency matters for it


class SuggestError(EdgeError, ValueError):
    """There is nothing worth suggesting."""


@dataclass(frozen=True)
class Suggestion:
    """A network to measure: what is predicted of it, and the doubt that is left in all
    predictions once it and those before it are measured."""

    candidate: Candidate
    prediction: Prediction
    doubt_percent: float


@dataclass(frozen=True)
class Plan:
    """Networks to measure, the most telling one first.

    The doubt is the root mean square, over all candidates, of the relative standard deviation
    that measuring can remove; `noise_percent` is what no measurement of other networks can.
    """

    doubt_percent: float
    noise_percent: float
    suggestions: tuple[Suggestion, ...]


def suggest(
    calibration: Calibration,
    candidates: Sequence[Candidate],
    number: int = 10,
    budgets_ms: Collection[float] = (),
) -> Plan:
    """Choose `number` of the candidates that were not measured yet.

    With budgets (at p95), predictions near one of them matter, others hardly. Raises SuggestError
    where no candidate is left, or none is near a budget.
    """
    left = _unmeasured(calibration, candidates)
    architectures = [candidate.architecture for candidate in left]
    x, raw_ms = calibration.rows(architectures)
    rows = x / raw_ms[:, None]  # of relative latency
    predictions = calibration.predict_many(architectures)
    p95_ms = calibration.tail_ratio(95).ratio * np.array([p.mean_ms for p in predictions])
    weights = _weights(p95_ms, budgets_ms)
    noise, covariance = calibration.posterior.noise, calibration.posterior.covariance
    suggestions = [
        Suggestion(left[best], predictions[best], doubt)
        for best, doubt in _greedy(rows, weights, covariance, noise, min(number, len(left)))
    ]
    before = _doubt_percent(rows, weights, covariance)
    return Plan(before, 100 * math.sqrt(noise), tuple(suggestions))


def _greedy(
    rows: Floats, weights: Floats, covariance: Floats, noise: float, number: int
) -> list[tuple[int, float]]:
    """The chosen rows (m, p), each with the doubt that is left after it."""
    wanted = rows.T @ (weights[:, None] * rows)  # (p, p): their weighted variance is tr(C wanted)
    chosen: list[tuple[int, float]] = []
    open_ = np.ones(len(rows), dtype=bool)
    for _ in range(number):
        along = rows @ covariance  # (m, p)
        variance = np.einsum("mp,mp->m", along, rows) + noise
        gain = np.einsum("mp,pq,mq->m", along, wanted, along) / variance
        best = int(np.argmax(np.where(open_, gain, -math.inf)))
        open_[best] = False
        covariance = covariance - np.outer(along[best], along[best]) / variance[best]
        chosen.append((best, _doubt_percent(rows, weights, covariance)))
    return chosen


def _doubt_percent(rows: Floats, weights: Floats, covariance: Floats) -> float:
    variance = np.einsum("mp,pq,mq->m", rows, covariance, rows)
    return 100 * math.sqrt(max(0.0, float(weights @ variance)))


def _unmeasured(calibration: Calibration, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Each network once, without those that were measured or that the table does not know."""
    known = {network.key for network in calibration.networks}
    left: dict[str, Candidate] = {}
    for candidate in candidates:
        key = candidate.architecture.key
        if key not in known and key not in left and _has_price(calibration, candidate.architecture):
            left[key] = candidate
    if not left:
        raise SuggestError("every candidate was measured already: there is nothing to suggest")
    return list(left.values())


def _has_price(calibration: Calibration, architecture: Architecture) -> bool:
    try:
        calibration.table.sum_ms(architecture)
    except UnknownBlock:
        return False
    return True


def _weights(p95_ms: Floats, budgets_ms: Collection[float]) -> Floats:
    """How much each prediction matters; they sum to one."""
    if not budgets_ms:
        return np.full(len(p95_ms), 1 / len(p95_ms))
    apart = np.log(p95_ms[:, None] / np.array(sorted(budgets_ms)))
    weights = np.exp(-0.5 * (apart / _NEAR) ** 2).sum(axis=1)
    if weights.max() < 1e-3:
        raise SuggestError(
            f"no candidate is near a budget: their p95 is predicted to be {p95_ms.min():.3g} to "
            f"{p95_ms.max():.3g} ms"
        )
    return np.asarray(weights / weights.sum())
