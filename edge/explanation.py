"""Why a member was picked and each of the others was not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from edge.candidates import Candidate
from edge.manifest import Manifest
from edge.pick import Pick, Question
from edge.record import Target


@dataclass(frozen=True)
class Line:
    """A member on a target; `candidate` is None where nothing is known of it there."""

    member: str
    target: Target
    why: str
    candidate: Candidate | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        of = self.candidate
        return {
            "name": self.member,
            "target": self.target.id,
            "why": self.why,
            "holdout_accuracy": of.member.holdout_accuracy if of else None,
            "median_ms": of.median_ms if of else None,
            "bound_ms": of.bound_ms if of else None,
            "evidence": of.evidence if of else None,
            "reasons": list(of.reasons) if of else [],
        }


def explain(
    manifest: Manifest,
    ranked: Sequence[Candidate],
    targets: Iterable[Target],
    question: Question,
    chosen: Pick | None,
) -> list[Line]:
    """A line for every member on every target: the ranked ones in their order, then the others."""
    lines = [Line(c.member.name, c.latency.target, _why(c, question, chosen), c) for c in ranked]
    known = {(line.member, line.target) for line in lines}
    for target in targets:
        for member in manifest.members:
            if (member.name, target) not in known:
                rejected = member.rejected(target)
                accuracy = rejected.holdout_accuracy if rejected else None
                told = "" if accuracy is None else f": its file has {accuracy:.2%} on the hold-out"
                why = f"rejected{told}" if rejected else "not measured there"
                lines.append(Line(member.name, target, why))
    return lines


def _why(candidate: Candidate, question: Question, chosen: Pick | None) -> str:
    if chosen and candidate.member == chosen.member and candidate.latency == chosen.latency:
        return "picked" if question.fits(candidate) else "picked: the fastest, as asked for"
    if not question.accurate(candidate):
        return f"less accurate than {question.min_accuracy:.2%}"
    if candidate.bound_ms is None:
        return f"no bound of p{question.percentile} at {question.confidence * 100:g}%"
    if not question.fits(candidate):
        return f"{candidate.bound_ms - question.budget_ms:.3f} ms over the budget"
    best = chosen.member.holdout_accuracy if chosen else 0.0
    equal = candidate.member.holdout_accuracy == best
    return "fits; as accurate, but slower" if equal else "fits; less accurate"
