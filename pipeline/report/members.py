"""Section: the members in numbers."""

from __future__ import annotations

from edge.family import Member
from edge.files import csv_text
from edge.record import Target
from pipeline.report.page import Column, Download, Figure, Section, Table
from pipeline.report.sources import Numbered, Run
from pipeline.report.text import digits, ms, percent, plural
from pipeline.target_names import apart

TITLE = "The members in numbers"
_NETWORK = ("hold-out", "test", "MACs,\nmillion", "params,\nthousand", "budget,\nms", "met")
_LATENCY = ("median_ms", "p90_ms", "p95_ms", "p99_ms", "n", "verdict", "peak_memory_bytes")


def section(run: Run) -> Section:
    """One row per member, a group of columns per target."""
    columns = [Column("member", numeric=False), *(Column(title, "network") for title in _NETWORK)]
    measured = ["median,\nms", f"p{run.percentile} ≤,\nms", "file,\nkB", "memory,\nMB"]
    for target in run.targets:
        columns += [Column(title, _title(run, target)) for title in measured]
    table = Table(columns, [_row(run, one) for one in run.members])
    figure = Figure(
        name="members-table",
        title="Accuracy, size and latency of every member",
        caption=(
            f"p{run.percentile} is an upper bound, and a dash where there were too few runs for "
            "one. Memory is by how much the process that ran the model grew. A budget is for the "
            "first target."
        ),
        body=table,
        download=Download("members.csv", _csv(run)),
    )
    lead = (
        f"{plural(len(run.manifest.members), 'member')} on "
        f"{plural(len(run.targets), 'target')}, the fastest first."
    )
    return Section("members", TITLE, lead, [figure])


def _title(run: Run, target: Target) -> str:
    return ", ".join([target.runtime, target.precision, *apart(target, run.targets)])


def _row(run: Run, one: Numbered) -> list[str]:
    member = one.member
    cells = [
        f"{one.number} {member.name}",
        percent(member.holdout_accuracy),
        percent(member.test_accuracy),
        digits(member.macs / 1e6),
        digits(member.parameters / 1e3),
        ms(member.budget_ms),
        {True: "yes", False: "no", None: "–"}[member.budget_met],
    ]
    for target in run.targets:
        cells += _measured(run, member, target)
    return cells


def _measured(run: Run, member: Member, target: Target) -> list[str]:
    latency, artifact = member.latency(target), member.artifact(target)
    memory_bytes = latency.peak_memory_bytes if latency else None
    return [
        ms(latency.median_ms if latency else None),
        ms(latency.bound_ms(run.percentile) if latency else None),
        digits(artifact.size_bytes / 1e3) if artifact else "–",
        "–" if memory_bytes is None else digits(memory_bytes / 1e6),
    ]


def _csv(run: Run) -> str:
    """A row per member and target, in full precision."""
    head = (
        *("number", "name", "holdout_accuracy", "test_accuracy", "macs", "parameters"),
        *("budget_ms", "budget_met", "target", "runtime", "precision", "size_bytes"),
        *_LATENCY,
    )
    return csv_text(head, [_full(one, target) for one in run.members for target in run.targets])


def _full(one: Numbered, target: Target) -> list[object]:
    m, artifact, latency = one.member, one.member.artifact(target), one.member.latency(target)
    return [
        *(one.number, m.name, m.holdout_accuracy, m.test_accuracy, m.macs, m.parameters),
        *(m.budget_ms, m.budget_met, target.id, target.runtime, target.precision),
        artifact.size_bytes if artifact else None,
        *(getattr(latency, name) if latency else None for name in _LATENCY),
    ]
