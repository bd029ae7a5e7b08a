"""Picking: the most accurate member whose upper bound keeps a latency budget.

What was measured proves itself. What was not, or long ago, is a prediction with a wider bound.
Members are ranked by hold-out accuracy; test accuracy is for reporting only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Literal, get_args

from edge.candidates import Candidate, Evidence, candidates
from edge.manifest import CONFIDENCE, Artifact, Latency, Manifest, Member
from edge.no_fit import NoFit, nearest, no_fit
from edge.record import Target
from edge.selection import PickError, SeveralTargets, selected

if TYPE_CHECKING:
    from edge.family import Family

__all__ = [
    "Candidate",
    "NoFit",
    "Pick",
    "PickError",
    "Question",
    "SeveralTargets",
    "candidates",
    "frontier",
    "judge",
    "pick",
]

PERCENTILES = (90, 95, 99)
Fallback = Literal["fastest"]
FALLBACKS = get_args(Fallback)


@dataclass(frozen=True)
class Question:
    """What a member must keep: `percentile` of its inferences within `budget_ms`, which holds with
    `confidence`, and at least `min_accuracy` of the hold-out images. Raises PickError."""

    budget_ms: float
    percentile: int = 95
    confidence: float = CONFIDENCE
    min_accuracy: float | None = None

    def __post_init__(self) -> None:
        if not self.budget_ms > 0:
            raise PickError(f"a budget must be positive, not {self.budget_ms:g} ms")
        if self.percentile not in PERCENTILES:
            raise PickError(f"percentile {self.percentile} is not measured; choose 90, 95 or 99")
        if not 0 < self.confidence < 1:
            raise PickError(f"a confidence lies between 0 and 1, {self.confidence:g} does not")

    def accurate(self, candidate: Candidate) -> bool:
        """Whether it classifies well enough."""
        return candidate.member.holdout_accuracy >= (self.min_accuracy or 0.0)

    def fits(self, candidate: Candidate) -> bool:
        """Whether its bound is within the budget."""
        return candidate.bound_ms is not None and candidate.bound_ms <= self.budget_ms


@dataclass(frozen=True)
class Pick:
    """A member, and why: its upper bound is `margin_ms` below the budget.

    `evidence` says what the bound is of: a measurement of `n` runs, a stale one, or a prediction;
    `reasons` why it is not the first. A fallback was asked for and exceeds the budget: its margin
    is negative.
    """

    member: Member
    latency: Latency
    budget_ms: float
    percentile: int
    median_ms: float
    bound_ms: float
    age_days: float
    runner_up: str | None  # the member that would be picked if this one were not there
    evidence: Evidence = "measured"
    reasons: tuple[str, ...] = ()
    confidence: float = CONFIDENCE

    @property
    def name(self) -> str:
        return self.member.name

    @property
    def target(self) -> Target:
        """What it was measured on."""
        return self.latency.target

    @property
    def artifact(self) -> Artifact | None:
        """The model file that was measured."""
        return self.member.artifact(self.latency.target)

    @property
    def margin_ms(self) -> float:
        return self.budget_ms - self.bound_ms

    @property
    def n(self) -> int:
        return self.latency.n

    @property
    def measured(self) -> bool:
        """Whether the bound is that of a measurement which is still to be relied on."""
        return self.evidence == "measured"

    @property
    def stale(self) -> bool:
        """Whether measuring again is due."""
        return self.evidence == "stale"

    @property
    def fallback(self) -> bool:
        """Whether it exceeds the budget, and was picked because nothing keeps it."""
        return self.bound_ms > self.budget_ms

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {
            "name": self.name,
            "budget_ms": self.budget_ms,
            "percentile": self.percentile,
            "confidence": self.confidence,
            "bound_ms": self.bound_ms,
            "median_ms": self.median_ms,
            "margin_ms": self.margin_ms,
            "n": self.n,
            "age_days": self.age_days,
            "measured": self.measured,
            "stale": self.stale,
            "evidence": self.evidence,
            "reasons": list(self.reasons),
            "fallback": self.fallback,
            "verdict": self.latency.verdict,
            "holdout_accuracy": self.member.holdout_accuracy,
            "test_accuracy": self.member.test_accuracy,
            "artifact": self.artifact.path if self.artifact else None,
            "target": self.latency.target.model_dump(mode="json"),
            "runner_up": self.runner_up,
        }

    def __str__(self) -> str:
        runner_up = f"runner-up {self.runner_up}" if self.runner_up else "no other member fits"
        side = "above" if self.fallback else "below"
        doubt = f" ({self.evidence}: {'; '.join(self.reasons)})" if self.reasons else ""
        return (
            f"{self.name}: p{self.percentile} <= {self.bound_ms:.3f} ms, "
            f"{abs(self.margin_ms):.3f} ms {side} the budget of {self.budget_ms:g} ms; "
            f"median {self.median_ms:.3f} ms, {self.n} runs measured "
            f"{self.age_days:.0f} days ago{doubt}; "
            f"{runner_up}"
        )


def pick(
    family: Manifest | Family,
    budget_ms: float,
    percentile: int = 95,
    min_accuracy: float | None = None,
    *,
    confidence: float = CONFIDENCE,
    target: Target | None = None,
    runtime: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    fallback: Fallback | None = None,
    doubts: Mapping[Target, str] | None = None,
    now: datetime | None = None,
) -> Pick:
    """The member with the best hold-out accuracy whose upper bound is within `budget_ms`.

    Latencies of one `target` are compared, which may be left out where the family was measured on
    one only, or on one only with `runtime` and in `precision`. With `device`, a part of its name,
    the runtimes and precisions of that device are ranked together: it can run any of them. `doubts`
    are reasons to take the measurements on a target for stale. Where nothing fits, `fallback` picks
    the member nearest to the budget.

    Raises PickError for a question without sense (SeveralTargets where it must name one), NoFit
    when nothing fits.
    """
    manifest = family if isinstance(family, Manifest) else family.manifest
    question = Question(budget_ms, percentile, confidence, min_accuracy)
    found = standing(
        manifest, question, selected(manifest, target, runtime, device, precision), doubts, now
    )
    return judge(found, question, fallback)


def standing(
    manifest: Manifest,
    question: Question,
    targets: Iterable[Target],
    doubts: Mapping[Target, str] | None = None,
    now: datetime | None = None,
) -> list[Candidate]:
    """Every member on each of `targets`, the best first, whether it answers the question or not."""
    moment = now or datetime.now(timezone.utc)
    found = [
        candidate
        for target in targets
        for candidate in candidates(
            manifest,
            question.percentile,
            target,
            confidence=question.confidence,
            doubt=(doubts or {}).get(target),
            now=moment,
        )
    ]
    return sorted(found, key=lambda candidate: candidate.rank)


def judge(
    ranked: Sequence[Candidate], question: Question, fallback: Fallback | None = None
) -> Pick:
    """The first of `ranked` that answers the question. Raises NoFit, or PickError for a fallback
    that there is not."""
    if fallback not in (None, *FALLBACKS):
        raise PickError(f"no fallback {fallback!r}: choose {' or '.join(FALLBACKS)}, or none")
    accurate = [candidate for candidate in ranked if question.accurate(candidate)]
    fitting = [candidate for candidate in accurate if question.fits(candidate)]
    if fitting:
        others = [c.member.name for c in fitting if c.member.name != fitting[0].member.name]
        return _pick(fitting[0], question, next(iter(others), None))
    fastest = nearest(accurate)
    if fallback and fastest:
        return _pick(fastest, question, None)
    raise no_fit(ranked, question)


def frontier(ranked: Sequence[Candidate]) -> list[Candidate]:
    """Which budgets buy what, the smallest first: no other candidate is as accurate within the
    bound of one of these."""
    bounded = [candidate for candidate in ranked if candidate.bound_ms is not None]
    best: list[Candidate] = []
    for candidate in sorted(bounded, key=lambda c: (c.bound_ms or 0.0, c.rank)):
        if not best or candidate.member.holdout_accuracy > best[-1].member.holdout_accuracy:
            best.append(candidate)
    return best


def _pick(candidate: Candidate, question: Question, runner_up: str | None) -> Pick:
    assert candidate.bound_ms is not None
    return Pick(
        member=candidate.member,
        latency=candidate.latency,
        budget_ms=question.budget_ms,
        percentile=question.percentile,
        median_ms=candidate.median_ms,
        bound_ms=candidate.bound_ms,
        age_days=candidate.age_days,
        runner_up=runner_up,
        evidence=candidate.evidence,
        reasons=candidate.reasons,
        confidence=question.confidence,
    )
