"""What `facet measure` shows to people, from the same report that `--json` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edge.text import fill, number, table


def to_text(report: dict[str, Any]) -> str:
    """What was measured here, and what to do next."""
    parts = measured_text(report)
    if any(of["verdict"] in ("suspect", "invalid") for of in report["measured"]):
        parts.append("What would make this machine fit to measure: facet info")
    if "report" in report:
        parts.append(_report_text(report))
    return "\n\n".join(parts)


def measured_text(report: dict[str, Any]) -> list[str]:
    """A table per target with the verdicts below it, and what could not be measured."""
    parts = [_target_text(target, report["measured"]) for target in report["targets"]]
    if report["failed"]:
        failed = [f"- {of['name']}: {of['kind']}: {of['detail']}" for of in report["failed"]]
        parts.append("\n".join(["Not measured:", *(fill(line, indent=2) for line in failed)]))
    return parts


def _report_text(report: dict[str, Any]) -> str:
    lines = [f"Report: {report['report']}"]
    if report["failures"]:
        lines.append(f"What failed: {report['failures']}")
    lines += [
        "Bring it back to where the bundle was made. What a stage ordered goes to that",
        "stage; records of a family become its latencies, or correct the table:",
        "  facet family add-latencies REPORT --family FOLDER",
        "  facet feedback add REPORT",
    ]
    return "\n".join(lines)


def _target_text(target: dict[str, Any], measured: Sequence[dict[str, Any]]) -> str:
    from edge.record import Target

    mine = [of for of in measured if of["target"] == target["id"]]
    named = {key: value for key, value in target.items() if key != "id"}
    head = [
        *("model", "median\nms", "±\n%", "p90\nms", "p95\nms", "p99\nms"),
        *("runs", "peak\nMB", "file\nkB"),
    ]
    verdicts = [f"- {of['name']}: {': '.join([of['verdict'], *_reasons(of)])}" for of in mine]
    return "\n".join(
        [
            fill(f"Target {target['id']}: {Target(**named)}"),
            table(head, list(map(_cells, mine))),
            *(fill(verdict, indent=2) for verdict in verdicts),
        ]
    )


def _reasons(of: dict[str, Any]) -> list[str]:
    return [", ".join(of["reasons"])] if of["reasons"] else []


def _cells(of: dict[str, Any]) -> list[str]:
    """The interval as one number: how far its farther end lies from the median."""
    half_ms = max(of["hi_ms"] - of["median_ms"], of["median_ms"] - of["lo_ms"])
    return [
        of["name"],
        _ms(of["median_ms"]),
        number(half_ms / of["median_ms"], 1, unit=1e-2),
        *(_ms(of[percentile]) for percentile in ("p90_ms", "p95_ms", "p99_ms")),
        str(of["n"]),
        number(of["peak_memory_bytes"], 1, unit=1e6),
        number(of["size_bytes"], 0, unit=1e3),
    ]


def _ms(value: float | None) -> str:
    """Three decimals, and five below 0.1 ms: a small model takes microseconds."""
    return number(value, 3 if value is None or value >= 0.1 else 5)
