"""What `facet feedback` shows to people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from textwrap import shorten
from typing import TYPE_CHECKING

from edge.text import facts, fill, table

if TYPE_CHECKING:
    from edge.feedback.intake import Intake
    from edge.feedback.prices import Price
    from edge.feedback.pull import Pulled
    from edge.feedback.status import Quality, Standing
    from edge.feedback.suggest import Plan, Suggestion

_SHOWN = 5  # refusals per file
_NEXT = "Next: dvc repro, which calibrates and extracts again but does not search."
_LONGEST = 300  # characters of a reason: a stranger may have named the field


def added_text(results: Sequence[Intake]) -> str:
    """What became of every file, and what to do next."""
    rows = [[str(i.source), str(i.added), str(i.known), str(len(i.refused))] for i in results]
    text = table(["file", "added", "already\nknown", "refused"], rows)
    return f"{text}\n\n{_NEXT}" if any(i.added for i in results) else text


def refusals(results: Sequence[Intake]) -> list[str]:
    """A remark for every refused record, or for the first ones of a file of many."""
    lines = []
    for i in results:
        lines += [
            f"{i.source}:{r.line}: refused: {shorten(r.reason, _LONGEST)}"
            for r in i.refused[:_SHOWN]
        ]
        if len(i.refused) > _SHOWN:
            lines.append(f"{i.source}: {len(i.refused) - _SHOWN} more were refused; see --json")
    return lines


def pulled_text(pulled: Pulled) -> str:
    """What a hub had that was new, and what to do next."""
    text = facts(
        {
            "Added": str(pulled.added),
            "Known": str(pulled.known),
            "Refused": str(len(pulled.refused)),
            "Left out": f"{pulled.others}: blocks, files, and what a profile judges itself by",
            "Withdrawn": f"{pulled.withdrawn}: the hub excluded them",
        }
    )
    return f"{text}\n\n{_NEXT}" if pulled.added or pulled.withdrawn else text


def pull_refusals(pulled: Pulled) -> list[str]:
    """A remark for the first refused records."""
    lines = [f"refused: {shorten(r.reason, _LONGEST)}" for r in pulled.refused[:_SHOWN]]
    if len(pulled.refused) > _SHOWN:
        lines.append(f"{len(pulled.refused) - _SHOWN} more were refused; see --json")
    return lines


def standing_text(standing: Standing) -> str:
    """What the records of a target are worth."""
    head = fill(f"Target {standing.target.id}: {standing.target}")
    verdicts = ", ".join(f"{n} {verdict}" for verdict, n in standing.verdicts.items())
    came_back = "none came back"
    if standing.records:
        came_back = f"{standing.records} came back ({verdicts}), "
        came_back += f"the last {standing.age_days:.0f} days ago"
    if standing.quality is None:
        advice = "no table: profile it as the first of `targets` in params.yaml"
        return f"{head}\n{facts({'Records': came_back, 'Worth': advice})}"
    return f"{head}\n{_quality_text(came_back, standing.quality)}"


def _quality_text(came_back: str, quality: Quality) -> str:
    ignored = "".join(f"; ignored: {n} {reason}" for reason, n in quality.ignored.items())
    tail = quality.tails[95]
    lines = {
        "Records": came_back,
        "Networks": f"{quality.networks} fitted, those of the profile included{ignored}",
    }
    if quality.left_out_error_percent is not None and quality.coverage is not None:
        lines |= {
            "Error": f"{quality.left_out_error_percent:.1f} %, each network predicted by the "
            f"others; the table alone: {quality.table_error_percent:.1f} %",
            "Interval": f"{quality.coverage:.0%} lie in the {quality.confidence:.0%} interval "
            "that the others give",
        }
    if quality.outliers:
        lines["Outliers"] = ", ".join(quality.outliers)
    lines["p95"] = f"{tail.ratio:.2f} times the median ({tail.lo:.2f} to {tail.hi:.2f})"
    head = ["operation", "table\nµs", "now\nµs", "moved\n%", "±\n%"]
    rows = [_price_row(price) for price in quality.prices]
    advice = [fill(f"- {sentence}", indent=2) for sentence in quality.advice]
    return "\n".join(
        [
            facts(lines),
            "",
            table(head, rows),
            "",
            "To do:" if advice else "Nothing asks for a new profile or a new search.",
            *advice,
        ]
    )


def _price_row(price: Price) -> list[str]:
    times = [f"{1e3 * ms:.1f}" for ms in (price.table_ms, price.calibrated_ms)]
    return [price.op, *times, f"{100 * price.moved:+.1f}", f"{100 * price.doubt:.1f}"]


def plan_text(plan: Plan) -> str:
    """The networks to measure, and what that brings."""
    rows = [
        [
            s.candidate.name or _operations(s),
            f"{s.prediction.mean_ms:.3f}",
            f"{s.prediction.lo_ms:.3f} to {s.prediction.hi_ms:.3f}",
            f"{s.doubt_percent:.2f}",
        ]
        for s in plan.suggestions
    ]
    head = ["network", "predicted\nms", "interval\nms", "doubt left\n%"]
    doubt = (
        f"Doubt before: {plan.doubt_percent:.2f} %. Measuring them lowers it to the last number "
        f"of the table; {plan.noise_percent:.2f} % is what no sum of blocks explains."
    )
    return f"{table(head, rows)}\n\n{fill(doubt)}"


def _operations(suggestion: Suggestion) -> str:
    counts = Counter(suggestion.candidate.architecture.op_counts)
    return ", ".join(f"{n} {op}" for op, n in counts.most_common())
