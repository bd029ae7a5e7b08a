"""How well the calibration predicts networks that it was not fitted on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np

from edge import bayes
from edge.calibration import Calibration
from edge.files import csv_text
from edge.networks import HELDOUT
from edge.record import Measurement
from edge.spec import Architecture
from edge.statistics import summarise


@dataclass(frozen=True)
class HeldOut:
    """A network that nothing was fitted on: what was predicted and what was measured."""

    name: str
    predicted_ms: float
    lo_ms: float
    hi_ms: float
    measured_ms: float
    table_ms: float  # the table's sum, without the calibration


def compare(
    calibration: Calibration, networks: Iterable[tuple[Architecture, Measurement]]
) -> list[HeldOut]:
    """The held-out ones among `networks`, less those that a device sent back and that were
    therefore fitted."""
    fitted = {network.key for network in calibration.networks}
    pairs = [(a, m) for a, m in networks if m.subject.role == HELDOUT and a.key not in fitted]
    predictions = calibration.predict_many([architecture for architecture, _ in pairs])
    return [
        HeldOut(
            name=m.subject.name,
            predicted_ms=prediction.mean_ms,
            lo_ms=prediction.lo_ms,
            hi_ms=prediction.hi_ms,
            measured_ms=summarise(m.samples_ns).median_ms,
            table_ms=calibration.table.sum_ms(architecture),
        )
        for (architecture, m), prediction in zip(pairs, predictions, strict=True)
    ]


def scores(heldout: Sequence[HeldOut]) -> dict[str, float | None]:
    """Errors in percent of what was measured, and shares in 0..1.

    `heldout_coverage` is the share of measurements inside their interval;
    `heldout_table_error_percent` is what the table alone would have given.
    """
    if not heldout:
        return {"heldout": 0}
    predicted, lo, hi, measured, table = np.array(
        [(h.predicted_ms, h.lo_ms, h.hi_ms, h.measured_ms, h.table_ms) for h in heldout]
    ).T
    error = 100 * (predicted - measured) / measured
    return {
        "heldout": len(heldout),
        "heldout_error_percent": float(np.abs(error).mean()),
        "heldout_bias_percent": float(error.mean()),
        "heldout_table_error_percent": float(100 * np.abs(table / measured - 1).mean()),
        "heldout_spearman": bayes.spearman(predicted, measured),
        "heldout_coverage": float(((lo <= measured) & (measured <= hi)).mean()),
        "heldout_within_5_percent": float((np.abs(error) <= 5).mean()),
        "heldout_within_10_percent": float((np.abs(error) <= 10).mean()),
    }


def to_csv(heldout: Sequence[HeldOut]) -> str:
    """A line per network, ms to the nanosecond: what DVC plots."""
    head = [field.name for field in fields(HeldOut)]
    rows = [[name, *(f"{ms:.6f}" for ms in numbers)] for name, *numbers in map(astuple, heldout)]
    return csv_text(head, rows)
