"""Picking: the most accurate member that is proven to fit a latency budget.

Proven means measured: the upper bound of the percentile is within the budget. Members are
ranked by hold-out accuracy; test accuracy is for reporting only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

from edge.errors import EdgeError
from edge.family import Artifact, Family, Latency, Manifest, Member
from edge.record import Target

PERCENTILES = (90, 95, 99)
STALE_DAYS = 30  # runtimes, firmware and the dust on a fan change in the meantime


class PickError(EdgeError, ValueError):
    """A question that cannot be answered as it was asked."""


class SeveralTargets(PickError):
    """The family was measured on several `targets`, and the question names none."""

    def __init__(self, targets: Sequence[Target]) -> None:
        lines = "".join(f"\n  {target.id}: {target}" for target in targets)
        super().__init__(
            "the family was measured on several targets, which are never ranked together:"
            f"{lines}\nsay which one to pick for, by its runtime or by the first word of its line"
        )
        self.targets = tuple(targets)


class NoFit(EdgeError, LookupError):
    """No member is proven to fit. `fastest` is the member nearest to the budget and `gap_ms` by
    how much its bound exceeds it; both None where no member has a bound at all."""

    def __init__(self, message: str, fastest: str | None, gap_ms: float | None) -> None:
        super().__init__(message)
        self.fastest = fastest
        self.gap_ms = gap_ms


@dataclass(frozen=True)
class Pick:
    """A member, and why: its upper bound is `margin_ms` below the budget, from `n` runs."""

    member: Member
    latency: Latency
    budget_ms: float
    percentile: int
    bound_ms: float
    age_days: float
    runner_up: str | None  # the member that would be picked if this one were not there
    measured: Literal[True] = True

    @property
    def name(self) -> str:
        return self.member.name

    @property
    def artifact(self) -> Artifact | None:
        """The model file that was measured."""
        return self.member.artifact(self.latency.target)

    @property
    def median_ms(self) -> float:
        return self.latency.median_ms

    @property
    def margin_ms(self) -> float:
        return self.budget_ms - self.bound_ms

    @property
    def n(self) -> int:
        return self.latency.n

    @property
    def stale(self) -> bool:
        """Whether it was measured so long ago that measuring again is due. It is ranked as if it
        were fresh: age says that a latency may have changed, not in which direction."""
        return self.age_days > STALE_DAYS

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {
            "name": self.name,
            "budget_ms": self.budget_ms,
            "percentile": self.percentile,
            "bound_ms": self.bound_ms,
            "median_ms": self.median_ms,
            "margin_ms": self.margin_ms,
            "n": self.n,
            "age_days": self.age_days,
            "stale": self.stale,
            "measured": self.measured,
            "verdict": self.latency.verdict,
            "holdout_accuracy": self.member.holdout_accuracy,
            "test_accuracy": self.member.test_accuracy,
            "artifact": self.artifact.path if self.artifact else None,
            "target": self.latency.target.model_dump(mode="json"),
            "runner_up": self.runner_up,
        }

    def __str__(self) -> str:
        runner_up = f"runner-up {self.runner_up}" if self.runner_up else "no other member fits"
        stale = " (stale: measure again)" if self.stale else ""
        return (
            f"{self.name}: p{self.percentile} <= {self.bound_ms:.3f} ms, "
            f"{self.margin_ms:.3f} ms below the budget of {self.budget_ms:g} ms; "
            f"median {self.median_ms:.3f} ms, {self.n} runs measured "
            f"{self.age_days:.0f} days ago{stale}; "
            f"{runner_up}"
        )


@dataclass(frozen=True)
class _Candidate:
    member: Member
    latency: Latency
    bound_ms: float | None

    @property
    def rank(self) -> tuple[float, float, int, str]:
        """Smallest first: accurate, then fast, then small; the name makes the order total."""
        artifact = self.member.artifact(self.latency.target)
        size_bytes = artifact.size_bytes if artifact else 0
        return -self.member.holdout_accuracy, self.latency.median_ms, size_bytes, self.member.name


def pick(
    family: Manifest | Family,
    budget_ms: float,
    percentile: int = 95,
    min_accuracy: float | None = None,
    *,
    target: Target | None = None,
    runtime: str | None = None,
    now: datetime | None = None,
) -> Pick:
    """The member with the best hold-out accuracy whose upper bound is within `budget_ms`.

    Latencies of one `target` are compared, which may be left out where the family was measured
    on one only, or on one only with `runtime`. Raises PickError for a question without sense
    (SeveralTargets where it must name one), NoFit when nothing fits.
    """
    if not budget_ms > 0:
        raise PickError(f"a budget must be positive, not {budget_ms:g} ms")
    if percentile not in PERCENTILES:
        raise PickError(f"percentile {percentile} is not measured; choose 90, 95 or 99")
    manifest = family.manifest if isinstance(family, Family) else family
    wanted = _only_target(manifest, runtime) if target is None else target
    if wanted is not None and runtime not in (None, wanted.runtime):
        raise PickError(f"target {wanted.id} is one of {wanted.runtime}, not of {runtime}")
    accurate = [
        candidate
        for candidate in _candidates(manifest, percentile, wanted)
        if candidate.member.holdout_accuracy >= (min_accuracy or 0.0)
    ]
    bounds = [(c, c.bound_ms) for c in sorted(accurate, key=lambda c: c.rank)]
    fitting = [(c, bound) for c, bound in bounds if bound is not None and bound <= budget_ms]
    if not fitting:
        raise _no_fit(accurate, budget_ms, percentile, min_accuracy)
    best, bound_ms = fitting[0]
    moment = now or datetime.now(timezone.utc)
    return Pick(
        member=best.member,
        latency=best.latency,
        budget_ms=budget_ms,
        percentile=percentile,
        bound_ms=bound_ms,
        age_days=max(0.0, (moment - best.latency.moment) / timedelta(days=1)),
        runner_up=fitting[1][0].member.name if len(fitting) > 1 else None,
    )


def _only_target(manifest: Manifest, runtime: str | None) -> Target | None:
    """The target that the family was measured on; None where it was not measured."""
    targets = [target for target in manifest.targets if runtime in (None, target.runtime)]
    if manifest.targets and not targets:
        known = ", ".join(sorted({target.runtime for target in manifest.targets}))
        raise PickError(f"the family was not measured with {runtime!r}; choose among: {known}")
    if len(targets) > 1:
        raise SeveralTargets(targets)
    return next(iter(targets), None)


def _candidates(manifest: Manifest, percentile: int, target: Target | None) -> list[_Candidate]:
    if target is None:
        return []
    measured = [
        (member.on(target), member.latency(target))
        for member in manifest.members
        if member.rejected(target) is None
    ]
    return [_Candidate(m, last, last.bound_ms(percentile)) for m, last in measured if last]


def _no_fit(
    candidates: list[_Candidate], budget_ms: float, percentile: int, min_accuracy: float | None
) -> NoFit:
    among = f" with a hold-out accuracy of at least {min_accuracy:g}" if min_accuracy else ""
    proven = [(c.bound_ms, c) for c in candidates if c.bound_ms is not None]
    if not proven:
        return NoFit(
            f"no member{among} has a proven p{percentile}: measure them with more runs, "
            "or ask for a lower percentile",
            None,
            None,
        )
    bound_ms, fastest = min(proven, key=lambda item: (item[0], item[1].rank))
    gap_ms = bound_ms - budget_ms
    return NoFit(
        f"no member{among} is proven to have p{percentile} <= {budget_ms:g} ms: the fastest, "
        f"{fastest.member.name}, has {bound_ms:.3f} ms, {gap_ms:.3f} ms too much",
        fastest.member.name,
        gap_ms,
    )
