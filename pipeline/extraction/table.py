"""What an extraction saw, as CSV: for people, for plots, and for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple

from edge.files import csv_text
from models.spaces import Space
from pipeline.extraction.candidates import Candidate
from pipeline.extraction.evidence import Bin
from pipeline.extraction.steering import Use

_COLUMNS = (
    *("arm", "how", "median_us", "lo_us", "hi_us", "bound_us"),
    *("screened_cross_entropy", "cross_entropy", "accuracy", "kappa", "simplex", "operations"),
)


def candidates_csv(space: Space, arms: Mapping[str, Sequence[Candidate]]) -> str:
    """One row per candidate of every arm; scores that were not taken are empty."""
    rows = [
        [arm, *_row(space, candidate)]
        for arm, candidates in arms.items()
        for candidate in candidates
    ]
    return csv_text(_COLUMNS, rows)


def control_csv(bins: Sequence[Bin]) -> str:
    """One row per bin of predicted latency that both arms have a judged candidate in."""
    rows = [
        [
            *(f"{1e3 * ms:.3f}" for ms in (one.low_ms, one.high_ms)),
            *(f"{loss:.5f}" for loss in (one.search, one.control)),
        ]
        for one in bins
    ]
    return csv_text(("low_us", "high_us", "search_cross_entropy", "control_cross_entropy"), rows)


def steering_csv(uses: Sequence[Use]) -> str:
    """One row per operation and penalty."""
    rows = [
        [operation, *(f"{x:.5f}" for x in numbers)] for operation, *numbers in map(astuple, uses)
    ]
    return csv_text(("operation", "penalty", "argmax_share", "mean_probability"), rows)


def _row(space: Space, c: Candidate) -> list[str]:
    times_ms = (c.median.mean_ms, c.median.lo_ms, c.median.hi_ms, c.bound_ms)
    scores = (c.screened_cross_entropy, c.cross_entropy, c.accuracy)
    return [
        c.how,
        *(f"{1e3 * ms:.3f}" for ms in times_ms),
        *("" if score is None else f"{score:.5f}" for score in scores),
        "" if c.kappa is None else f"{c.kappa:.6g}",
        " ".join(f"{share:.4f}" for share in c.simplex or ()),
        " ".join(space.names(c.choices)),
    ]
