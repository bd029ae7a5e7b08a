"""What `facet pick` shows to people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edge.text import facts, number, table

if TYPE_CHECKING:
    from edge.candidates import Candidate
    from edge.explanation import Line
    from edge.pick import Pick


def table_text(rungs: Sequence[Candidate]) -> str:
    """From which budget on each of them is the best."""
    head = ["member", "runtime", "precision", "from\nms", "hold-out\n%", "median\nms", "why"]
    rows = [
        [
            rung.member.name,
            rung.latency.target.runtime,
            rung.latency.target.precision,
            number(rung.bound_ms, 3),
            number(rung.member.holdout_accuracy, 2, unit=1e-2),
            number(rung.median_ms, 3),
            rung.evidence,
        ]
        for rung in rungs
    ]
    return table(head, rows, names=3, wraps=True)


def explanation_text(lines: Sequence[Line]) -> str:
    """A line per member; and per target, where there are several. What all bounds rest on is told
    where it is not the measurements."""
    known = [line.candidate for line in lines if line.candidate]
    columns = {"member": [line.member for line in lines]}
    if len({line.target for line in lines}) > 1:
        columns["on"] = [f"{line.target.runtime} {line.target.precision}" for line in lines]
    if any(of.evidence != "measured" for of in known):
        columns["evidence"] = [of.evidence if (of := line.candidate) else "-" for line in lines]
    names = len(columns)
    columns["hold-out\n%"] = [
        number(of.member.holdout_accuracy if (of := line.candidate) else None, 2, unit=1e-2)
        for line in lines
    ]
    columns["bound\nms"] = [
        number(of.bound_ms if (of := line.candidate) else None, 3) for line in lines
    ]
    columns["why"] = [line.why for line in lines]
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    return table(list(columns), rows, names, wraps=True)


def pick_text(chosen: Pick, lines: Sequence[Line]) -> str:
    """The answer, and why it is that."""
    latency, artifact = chosen.latency, chosen.artifact
    file = f"{artifact.path}, {artifact.size_bytes / 1000:.0f} kB" if artifact else "none"
    side = "above" if chosen.fallback else "below"
    doubt = f"; {chosen.evidence}: {'; '.join(chosen.reasons)}" if chosen.reasons else ""
    answer = facts(
        {
            "Member": chosen.name,
            "File": file,
            f"p{chosen.percentile}": f"<= {chosen.bound_ms:.3f} ms, "
            f"{abs(chosen.margin_ms):.3f} ms {side} the budget of {chosen.budget_ms:g} ms",
            "Median": f"{chosen.median_ms:.3f} ms",
            "Accuracy": f"{chosen.member.holdout_accuracy:.2%} hold-out, "
            f"{chosen.member.test_accuracy:.2%} test",
            "Measured": f"{chosen.n} runs, {latency.verdict}, "
            f"{chosen.age_days:.0f} days ago{doubt}",
            "Target": f"{latency.target.id}: {latency.target}",
            "Runner-up": chosen.runner_up or "no other member fits",
        }
    )
    return f"{answer}\n\n{explanation_text(lines)}" if lines else answer
