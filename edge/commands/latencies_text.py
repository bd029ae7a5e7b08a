"""What `facet family add-latencies` answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.commands.shared import target_dict
from edge.text import fill, number, table

if TYPE_CHECKING:
    from edge.add_latencies import Added, Outcome
    from edge.record import Measurement, Target

_SHOWN = 5  # refusals


def outcome_dict(outcome: Outcome) -> dict[str, Any]:
    """Plain JSON data."""
    return {
        "targets": [target_dict(target) for target in _targets(outcome)],
        "added": [_added_dict(added) for added in outcome.added],
        "known": outcome.known,
        "refused": [
            {"record": of.record.id, "name": of.record.subject.name, "reason": of.reason}
            for of in outcome.refused
        ],
    }


def outcome_text(outcome: Outcome) -> str:
    """A table for every target that something was added on."""
    parts = [_target_text(outcome, target) for target in _targets(outcome)]
    if outcome.known:
        parts.append(
            fill(f"Left out: {outcome.known} that the family has already, or has newer ones of.")
        )
    return "\n\n".join(parts or ["Nothing was added."])


def refusals(outcome: Outcome) -> list[str]:
    """A remark for the first refused records, and for suspect ones that were added."""
    lines = [
        f"{added.member}, {_ran(added.record)}: {added.record.verdict}: "
        f"{'; '.join(added.record.reasons)}"
        for added in outcome.added
        if not added.record.usable
    ]
    lines += [
        f"{of.record.subject.name}, {_ran(of.record)}: refused: {of.reason}"
        for of in outcome.refused[:_SHOWN]
    ]
    if len(outcome.refused) > _SHOWN:
        lines.append(f"{len(outcome.refused) - _SHOWN} more were refused; see --json")
    return lines


def cut_short_text(path: Path) -> str:
    """A remark for a file whose last record is not whole."""
    return (
        f"{path}: cut short: the file ends in the middle of a record, which was left out: copy it "
        "again, or measure again"
    )


def _ran(record: Measurement) -> str:
    """What tells the files of a member from each other."""
    return f"{record.target.runtime} {record.target.precision}"


def _targets(outcome: Outcome) -> list[Target]:
    return sorted({added.latency.target for added in outcome.added}, key=str)


def _target_text(outcome: Outcome, target: Target) -> str:
    mine = [added for added in outcome.added if added.latency.target == target]
    head = ["member", "verdict", "median\nms", "p95\nms", "median\nbefore", "runs"]
    rows = [
        [
            *(added.member, added.latency.verdict),
            number(added.latency.median_ms, 3),
            number(added.latency.p95_ms, 3),
            number(added.old.median_ms if added.old else None, 3),
            str(added.latency.n),
        ]
        for added in sorted(mine, key=lambda added: added.member)
    ]
    return f"{fill(f'Added on target {target.id}: {target}')}\n{table(head, rows, names=2)}"


def _added_dict(added: Added) -> dict[str, Any]:
    return {
        "name": added.member,
        "target": added.latency.target.id,
        "record": added.record.id,
        "median_ms": added.latency.median_ms,
        "p95_ms": added.latency.p95_ms,
        "old_median_ms": added.old.median_ms if added.old else None,
        "verdict": added.latency.verdict,
        "reasons": list(added.record.reasons),
    }
