"""What may be said of every member on one target: a bound of its latency, and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal

from edge.manifest import CONFIDENCE, Latency, Manifest, Member
from edge.record import CLOCK_SLACK, Target

STALE_DAYS = 30  # runtimes, firmware and the dust on a fan change in the meantime
STALE_MARGIN = 0.10  # of a bound: machines drift by that much, and say nothing of it

Evidence = Literal["measured", "stale", "predicted"]


@dataclass(frozen=True)
class Candidate:
    """A member with what is known of it on one target, its accuracies those of the file there.

    `bound_ms` is None where nothing can be said; `reasons` are those against a measurement.
    """

    member: Member
    latency: Latency
    bound_ms: float | None
    age_days: float
    evidence: Evidence
    reasons: tuple[str, ...] = ()

    @property
    def median_ms(self) -> float:
        """As measured, or as predicted."""
        predicted_ms = self.latency.predicted_ms if self.evidence == "predicted" else None
        return self.latency.median_ms if predicted_ms is None else predicted_ms

    @property
    def rank(self) -> tuple[float, float, int, str]:
        """Smallest first: accurate, then fast, then small; the name makes the order total."""
        artifact = self.member.artifact(self.latency.target)
        size_bytes = artifact.size_bytes if artifact else 0
        return -self.member.holdout_accuracy, self.median_ms, size_bytes, self.member.name


def candidates(
    manifest: Manifest,
    percentile: int,
    target: Target,
    *,
    confidence: float = CONFIDENCE,
    doubt: str | None = None,
    now: datetime | None = None,
) -> list[Candidate]:
    """The members with a latency on `target` whose file for it is not rejected.

    A measurement that is older than `STALE_DAYS` or from the future, whose age nobody knows, or
    that there is a `doubt` about, bounds `STALE_MARGIN` more than it did. Where the last one is
    invalid, the upper end of what was predicted counts, times the longest tail, bound over median,
    that a member has on the target.
    """
    there = [member for member in manifest.members if member.rejected(target) is None]
    valid = {member.name: member.latency(target) for member in there}
    known = [latency for latency in valid.values() if latency]
    tails = [
        bound_ms / latency.median_ms
        for latency in known
        if (bound_ms := latency.bound_ms(percentile, confidence)) is not None
    ]
    tail = max(tails, default=None)
    moment = now or datetime.now(timezone.utc)
    found = []
    for member in there:
        latency = valid[member.name]
        if latency is not None:
            bound_ms = latency.bound_ms(percentile, confidence)
            found.append(_measured(member.on(target), latency, bound_ms, moment, doubt))
        elif (last := member.last(target)) is not None:
            found.append(_predicted(member.on(target), last, tail, moment))
    return found


def _measured(
    member: Member, latency: Latency, bound_ms: float | None, now: datetime, doubt: str | None
) -> Candidate:
    age_days = _age_days(latency, now)
    reasons = tuple(filter(None, (_age_problem(latency, now), doubt)))
    if not reasons:
        return Candidate(member, latency, bound_ms, age_days, "measured")
    wider_ms = None if bound_ms is None else bound_ms * (1 + STALE_MARGIN)
    return Candidate(member, latency, wider_ms, age_days, "stale", reasons)


def _predicted(member: Member, latency: Latency, tail: float | None, now: datetime) -> Candidate:
    """`latency` is invalid, but holds what was predicted before it was measured."""
    hi_ms = latency.predicted_hi_ms
    bound_ms = None if hi_ms is None or tail is None else hi_ms * tail
    reasons = ("its measurement is invalid",)
    return Candidate(member, latency, bound_ms, _age_days(latency, now), "predicted", reasons)


def _age_problem(latency: Latency, now: datetime) -> str | None:
    if latency.moment > now + CLOCK_SLACK:
        when = latency.measured_at
        return f"measured in the future, {when}: set the clock that is wrong, and measure again"
    age_days = _age_days(latency, now)
    return f"measured {age_days:.0f} days ago: measure again" if age_days > STALE_DAYS else None


def _age_days(latency: Latency, now: datetime) -> float:
    return max(0.0, (now - latency.moment) / timedelta(days=1))
