"""Why no member answers a question, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edge.candidates import Candidate
from edge.errors import EdgeError
from edge.manifest import CONFIDENCE

if TYPE_CHECKING:
    from edge.pick import Question


MEASURE = (
    "  facet measure --family FOLDER --out report.jsonl\n"
    "  facet family add-latencies report.jsonl --family FOLDER"
)


class NoFit(EdgeError, LookupError):
    """No member is proven to fit. `fastest` is the member nearest to the budget and `gap_ms` by
    how much its bound exceeds it; both None where no member has a bound at all, or none is
    accurate enough."""

    def __init__(
        self, message: str, fastest: str | None = None, gap_ms: float | None = None
    ) -> None:
        super().__init__(message)
        self.fastest = fastest
        self.gap_ms = gap_ms


def nearest(ranked: Sequence[Candidate]) -> Candidate | None:
    """To any budget that none of them keeps: the one with the smallest bound."""
    proven = [candidate for candidate in ranked if candidate.bound_ms is not None]
    return min(proven, key=lambda c: (c.bound_ms or 0.0, c.rank), default=None)


def _highest_confidence(candidate: Candidate) -> float:
    """That a bound of its latency is kept for."""
    latency = candidate.latency
    return max([latency.confidence, *(bounds.confidence for bounds in latency.bounds)])


def no_fit(ranked: Sequence[Candidate], question: Question) -> NoFit:
    """Of `ranked`, the best first, none of which answers the question."""
    accurate = [candidate for candidate in ranked if question.accurate(candidate)]
    among = (
        f" with a hold-out accuracy of at least {question.min_accuracy:g}"
        if question.min_accuracy
        else ""
    )
    fastest = nearest(accurate)
    if not ranked:
        return NoFit(f"no member was measured there, or all are rejected; to measure:\n{MEASURE}")
    if not accurate:
        best = ranked[0].member
        return NoFit(
            f"there is no member{among}: the most accurate, {best.name}, has "
            f"{best.holdout_accuracy:.4g}"
        )
    if fastest is None or fastest.bound_ms is None:
        sure = "" if question.confidence == CONFIDENCE else f" at {question.confidence * 100:g}%"
        highest = max(map(_highest_confidence, accurate))
        if question.confidence > highest:
            return NoFit(
                f"no member{among} has a proven p{question.percentile}{sure}: bounds are kept for "
                f"a confidence of up to {highest * 100:g}%; ask for {highest:g} at most"
            )
        return NoFit(
            f"no member{among} has a proven p{question.percentile}{sure}: measure them with more "
            "runs, or ask for a lower percentile or confidence"
        )
    gap_ms = fastest.bound_ms - question.budget_ms
    return NoFit(
        f"no member{among} is proven to have p{question.percentile} <= {question.budget_ms:g} ms: "
        f"the fastest, {fastest.member.name}, has {fastest.bound_ms:.3f} ms, {gap_ms:.3f} ms too "
        "much",
        fastest.member.name,
        gap_ms,
    )
