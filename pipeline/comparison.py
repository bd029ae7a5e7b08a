"""Members against hand-designed networks: points of accuracy, and what they cost in latency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edge.family import Latency, Member
from edge.record import Target


@dataclass(frozen=True)
class Comparison:
    """A member and a reference, measured together on `target`."""

    member: Member
    reference: Member
    target: Target

    @property
    def holdout_points(self) -> float:
        """How many hundredths of the hold-out images more the member classifies correctly."""
        return 100 * (self.member.holdout_accuracy - self.reference.holdout_accuracy)

    @property
    def test_points(self) -> float:
        return 100 * (self.member.test_accuracy - self.reference.test_accuracy)

    @property
    def latency_ratio(self) -> float:
        """Median latency of the member over that of the reference."""
        return _median_ms(self.member, self.target) / _median_ms(self.reference, self.target)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {
            "member": self.member.name,
            "reference": self.reference.name,
            "holdout_points": self.holdout_points,
            "test_points": self.test_points,
            "latency_ratio": self.latency_ratio,
        }

    def __str__(self) -> str:
        return (
            f"{self.member.name} against {self.reference.name}: {self.test_points:+.2f} points on "
            f"the test images ({self.holdout_points:+.2f} on the hold-out), "
            f"{self.latency_ratio:.2f} times the latency"
        )


def best(members: Sequence[Member]) -> Member:
    """The most accurate member on the hold-out images; the test images choose nothing."""
    return max(members, key=lambda member: member.holdout_accuracy)


def fastest(members: Sequence[Member], target: Target) -> Member | None:
    """The measured member of the smallest median; None where none was measured on `target`."""
    measured = [member for member in members if member.latency(target) is not None]
    return min(measured, key=lambda member: _median_ms(member, target), default=None)


def numbers(comparisons: Sequence[Comparison]) -> dict[str, float | None]:
    """Flat metrics: of each reference, and of the member that it is compared with."""
    found: dict[str, float | None] = {}
    for comparison in comparisons:
        reference = comparison.reference
        name = reference.name.replace("-", "_")
        found |= {
            f"{name}_holdout_accuracy": reference.holdout_accuracy,
            f"{name}_test_accuracy": reference.test_accuracy,
            f"{name}_ms": _median_ms(reference, comparison.target),
            f"over_{name}_holdout_points": comparison.holdout_points,
            f"over_{name}_test_points": comparison.test_points,
            f"over_{name}_latency_ratio": comparison.latency_ratio,
        }
    return found


def _median_ms(member: Member, target: Target) -> float:
    latency: Latency | None = member.latency(target)
    assert latency is not None, f"{member.name} was not measured on {target}"
    return latency.median_ms
