"""What the records of every target are worth, and what to do about it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from statistics import NormalDist
from typing import Any

import numpy as np

from edge.calibration import Calibration
from edge.feedback.evidence import Evidence
from edge.feedback.prices import Price, prices
from edge.observed import taken
from edge.record import Measurement, Target, Verdict
from edge.tail import TailRatio


@dataclass(frozen=True)
class Quality:
    """How well the networks of a target are predicted, each from all others.

    `coverage` is the share that lies in its interval; `advice` is what to do, in sentences.
    """

    networks: int
    table_error_percent: float | None
    left_out_error_percent: float | None
    coverage: float | None
    confidence: float
    outliers: tuple[str, ...]
    ignored: Mapping[str, int]  # reason -> how many records
    tails: Mapping[int, TailRatio]  # percentile -> ratio to the median
    prices: tuple[Price, ...]
    advice: tuple[str, ...]


@dataclass(frozen=True)
class Standing:
    """The records of one target that came back, by verdict, the age of the last of them, and
    what they are worth: None where there is no table for them."""

    target: Target
    records: int
    verdicts: Mapping[Verdict, int]
    age_days: float | None
    quality: Quality | None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        target = {"id": self.target.id, **self.target.model_dump(mode="json")}
        return {**asdict(self), "target": target}


def standings(
    evidence: Evidence, calibration: Calibration, now: datetime | None = None
) -> list[Standing]:
    """One for every target that anything came back from, the table's own first."""
    now = now or datetime.now(timezone.utc)
    ours = evidence.table.target
    groups: dict[Target, list[Measurement]] = defaultdict(list)
    for _, m in evidence.feedback:
        groups[m.target].append(m)
    others = sorted((target for target in groups if target != ours), key=lambda t: t.id)
    return [
        _standing(target, groups[target], now, quality(calibration) if target == ours else None)
        for target in (ours, *others)
    ]


def quality(calibration: Calibration) -> Quality:
    """What `calibration` says of itself."""
    found = prices(calibration)
    table_errors = [abs(n.raw_ms / n.measured_ms - 1) for n in calibration.networks]
    return Quality(
        networks=calibration.n,
        table_error_percent=100 * float(np.mean(table_errors)) if table_errors else None,
        left_out_error_percent=calibration.left_out_error_percent,
        coverage=coverage(calibration),
        confidence=calibration.confidence,
        outliers=tuple(network.name for network in calibration.outliers),
        ignored=dict(calibration.ignored),
        tails=dict(calibration.tails),
        prices=tuple(found),
        advice=tuple(filter(None, (calibration.advice, search_advice(found)))),
    )


def coverage(calibration: Calibration) -> float | None:
    """The share of networks that lie in the interval that all OTHERS predict; None below two."""
    if calibration.n < 2:
        return None
    most = NormalDist().inv_cdf(0.5 + calibration.confidence / 2)
    return float(np.mean([abs(network.z) <= most for network in calibration.networks]))


def search_advice(found: Sequence[Price]) -> str | None:
    """Whether the search has weighed operations by prices that are not true."""
    moved = [price for price in found if price.worth_a_search]
    if not moved:
        return None
    named = ", ".join(f"{price.op} {price.moved:+.0%}" for price in moved)
    return (
        f"the search weighed operations by other prices ({named}, relative to all others): "
        "search again by the corrected ones: dvc exp run -S search.prices=calibrate"
    )


def _standing(
    target: Target, records: Sequence[Measurement], now: datetime, worth: Quality | None
) -> Standing:
    last = max(map(taken, records), default=None)
    age_days = None if last is None else max(0.0, (now - last).total_seconds() / 86_400)
    verdicts = dict(sorted(Counter(m.verdict for m in records).items()))
    return Standing(target, len(records), verdicts, age_days, worth)
