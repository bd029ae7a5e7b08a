"""Raw samples of a record → the latency that a manifest keeps of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.manifest import CONFIDENCE, Bounds, Latency
from edge.predictor import LEAST_MS
from edge.record import Measurement
from edge.statistics import summarise

if TYPE_CHECKING:
    from edge.calibration import Prediction

CONFIDENCES = (0.90, 0.99)  # of further bounds, beside those at 95 %


def latency_of(record: Measurement, prediction: Prediction | None = None) -> Latency:
    """A record as a manifest keeps it."""
    found = summarise(record.samples_ns, CONFIDENCE)
    return Latency(
        target=record.target,
        median_ms=found.median_ms,
        lo_ms=max(LEAST_MS, found.lo_ms),  # the interval of wild blocks reaches below zero
        hi_ms=found.hi_ms,
        p90_ms=found.p90_ms,
        p95_ms=found.p95_ms,
        p99_ms=found.p99_ms,
        n=found.n,
        verdict=record.verdict,
        measured_at=record.conditions.wall_time,
        predicted_ms=prediction.mean_ms if prediction else None,
        predicted_lo_ms=prediction.lo_ms if prediction else None,
        predicted_hi_ms=prediction.hi_ms if prediction else None,
        peak_memory_bytes=record.peak_memory_bytes,
        bounds=tuple(_bounds(record, confidence) for confidence in CONFIDENCES),
    )


def _bounds(record: Measurement, confidence: float) -> Bounds:
    found = summarise(record.samples_ns, confidence)
    return Bounds(
        confidence=confidence, p90_ms=found.p90_ms, p95_ms=found.p95_ms, p99_ms=found.p99_ms
    )
