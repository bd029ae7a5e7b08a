"""Every candidate that was looked at, as CSV: what a person or a plot reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from models.spaces import Space
from pipeline.extraction.candidates import Candidate

_COLUMNS = (
    *("arm", "how", "median_us", "lo_us", "hi_us", "bound_us"),
    *("screened_cross_entropy", "cross_entropy", "accuracy", "kappa", "simplex", "operations"),
)


def to_csv(space: Space, arms: Mapping[str, Sequence[Candidate]]) -> str:
    """One row per candidate of every arm; scores that were not taken are empty."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_COLUMNS)
    for arm, candidates in arms.items():
        rows.writerows([arm, *_row(space, candidate)] for candidate in candidates)
    return text.getvalue()


def _row(space: Space, c: Candidate) -> list[str]:
    times_ms = (c.median.mean_ms, c.median.lo_ms, c.median.hi_ms, c.bound_ms)
    scores = (c.screened_cross_entropy, c.cross_entropy, c.accuracy)
    return [
        c.how,
        *(f"{1e3 * ms:.3f}" for ms in times_ms),
        *("" if score is None else f"{score:.5f}" for score in scores),
        "" if c.kappa is None else f"{c.kappa:.6g}",
        " ".join(f"{share:.4f}" for share in c.simplex or ()),
        " ".join(space.operations[index] for index in c.choices),
    ]
