"""Records of a machine become latencies of a family, which can be picked from there afterwards.

A record belongs to the members whose file for its runtime and precision has the content that was
measured, whatever the record calls it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from edge.latencies import latency_of
from edge.manifest import Latency, Manifest, Member, read_moment
from edge.record import CLOCK_SLACK, Measurement, unique


@dataclass(frozen=True)
class Added:
    """What `member` has now; `old` is what it replaces on that target."""

    member: str
    latency: Latency
    old: Latency | None
    record: Measurement


@dataclass(frozen=True)
class Refused:
    """A record that no member takes."""

    record: Measurement
    reason: str


@dataclass(frozen=True)
class Outcome:
    """The family with its new latencies, and what became of the records: `known` counts those that
    were there already, or are older than what was."""

    manifest: Manifest
    added: tuple[Added, ...] = ()
    known: int = 0
    refused: tuple[Refused, ...] = ()


def add_latencies(
    manifest: Manifest, records: Iterable[Measurement], now: datetime | None = None
) -> Outcome:
    """The family as `records` say that it is: a function of their set.

    The last record of a member on a target counts, where it is newer than what the family has; it
    keeps what was predicted. Latencies on other targets stay. Suspect records count, as they do in
    the pipeline; invalid ones are refused, those of no member, and those from the future, beside
    which all others would look old: where the family has such a latency, any takes its place.
    """
    latest = (now or datetime.now(timezone.utc)) + CLOCK_SLACK
    reasons = [(record, _refusal(manifest, record, latest)) for record in unique(records)]
    refused = tuple(Refused(record, reason) for record, reason in reasons if reason)
    outcome = Outcome(manifest, refused=refused)
    for record in sorted((r for r, reason in reasons if not reason), key=_age, reverse=True):
        outcome = _taken(outcome, record, latest)
    return _dated(outcome)


def _age(record: Measurement) -> tuple[datetime, str]:
    """Greater for what is newer; the id makes the order total."""
    return read_moment(record.conditions.wall_time), record.id


def _taken(outcome: Outcome, record: Measurement, latest: datetime) -> Outcome:
    """`outcome` with `record` in its members, or among those that are known."""
    latency = latency_of(record)
    members, added = [], []
    for member in outcome.manifest.members:
        old = member.latency(record.target)
        newer = old is None or old.moment < latency.moment or old.moment > latest
        if newer and _measured(member, record):
            member = _with(member, latency)
            added.append(Added(member.name, latency, old, record))
        members.append(member)
    return replace(
        outcome,
        manifest=outcome.manifest.model_copy(update={"members": tuple(members)}),
        added=(*outcome.added, *added),
        known=outcome.known + (not added),
    )


def _with(member: Member, latency: Latency) -> Member:
    """`latency` in the place of those on its target."""
    last = member.last(latency.target)
    if last is not None:
        fields = ("predicted_ms", "predicted_lo_ms", "predicted_hi_ms")
        latency = latency.model_copy(update={name: getattr(last, name) for name in fields})
    targets = [known.target for known in member.latencies]
    place = targets.index(latency.target) if latency.target in targets else len(targets)
    others = [known for known in member.latencies if known.target != latency.target]
    return member.model_copy(update={"latencies": (*others[:place], latency, *others[place:])})


def _measured(member: Member, record: Measurement) -> bool:
    """Whether it is this member's file for the target that was measured."""
    artifact = member.artifact(record.target)
    return artifact is not None and artifact.sha256 == record.subject.sha256


def _refusal(manifest: Manifest, record: Measurement, latest: datetime) -> str | None:
    if record.verdict == "invalid":
        return f"invalid: {'; '.join(record.reasons)}"
    when = record.conditions.wall_time
    try:
        moment = read_moment(when)
    except ValueError:
        return f"{when!r} is no moment that it was measured at"
    if moment > latest:
        return f"measured in the future, {when}: set the device's clock and measure again"
    if any(_measured(member, record) for member in manifest.members):
        return None
    found = [
        artifact
        for member in manifest.members
        for artifact in member.artifacts
        if artifact.sha256 == record.subject.sha256
    ]
    if not found:
        return "no member has a file of that content"
    if all(artifact.status == "rejected" for artifact in found):
        return "its file was rejected: it loses too much accuracy"
    return (
        f"measured as {record.target.precision} with {record.target.runtime}, and its file is "
        f"{found[0].precision} {found[0].format}: measure it with `facet measure --family`"
    )


def _dated(outcome: Outcome) -> Outcome:
    """A family that was not measured before has been now."""
    if outcome.manifest.created is not None or not outcome.added:
        return outcome
    last = max((added.latency for added in outcome.added), key=lambda latency: latency.moment)
    manifest = outcome.manifest.model_copy(update={"created": last.measured_at})
    return replace(outcome, manifest=manifest)
