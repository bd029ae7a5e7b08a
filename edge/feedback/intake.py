"""Records that came back from devices, checked and filed as an input of the pipeline.

The folder is a set of records: nothing in it is ever changed, a record that is there already is
not filed again, and the order in which files come in does not matter.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from edge.errors import EdgeError
from edge.files import write_atomic
from edge.networks import JUDGES
from edge.observed import taken
from edge.record import (
    CLOCK_SLACK,
    MAX_RECORD_BYTES,
    Measurement,
    RecordError,
    Target,
    parse,
    read_all,
    unique,
    withdrawn,
)
from edge.verdict import judge

FOLDER = Path("measurements")

_EARLIEST = datetime(2025, 1, 1, tzinfo=timezone.utc)  # before there was such a record
_NOT_HARDWARE = re.compile(r"\b(emulated|simulated)\b", re.IGNORECASE)
_CUT_SHORT = "cut short: the file ends in the middle of it"


class FeedbackError(EdgeError, ValueError):
    """A file that no records can be read from."""


@dataclass(frozen=True)
class Refusal:
    """A line of a file, counted from 1, that was not taken, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class Intake:
    """What became of the records of one file; `filed` is where the new ones lie, if any."""

    source: Path
    added: int
    known: int
    refused: tuple[Refusal, ...]
    filed: Path | None


def add(
    sources: Sequence[Path], folder: Path = FOLDER, now: datetime | None = None
) -> list[Intake]:
    """File the records of every source that `folder` does not hold yet.

    The new records of one source become one file, named by its content and written in one step.
    Lines that are no records, or records that must not move a calibration, are refused one by
    one: the others of their file count. Raises FeedbackError where a source cannot be read, before
    anything is filed, and RecordError for a broken file in `folder`. What was withdrawn is known.
    """
    now = now or datetime.now(timezone.utc)
    checked = [_check(source, now) for source in sources]
    known = {m.id for m in read_all(folder)} | withdrawn(folder)
    results = []
    for source, (records, refused) in zip(sources, checked, strict=True):
        new = unique(m for m in records if m.id not in known)
        known |= {m.id for m in new}
        filed = _file(new, folder) if new else None
        results.append(Intake(source, len(new), len(records) - len(new), tuple(refused), filed))
    return results


def not_hardware(target: Target) -> bool:
    """Whether the target names itself emulated or simulated: its times are no latencies."""
    return bool(_NOT_HARDWARE.search(f"{target.device} {target.runtime} {target.provider}"))


def _file(records: Sequence[Measurement], folder: Path) -> Path:
    text = "".join(m.to_json() + "\n" for m in records)
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.jsonl"
    write_atomic(path, text)
    return path


def _check(source: Path, now: datetime) -> tuple[list[Measurement], list[Refusal]]:
    records: list[Measurement] = []
    refused: list[Refusal] = []
    for number, line in enumerate(_lines(source), 1):
        if not line.strip():
            continue
        try:
            records.append(_parse(line, now))
        except EdgeError as error:
            refused.append(Refusal(number, str(error)))
    return records, refused


def _lines(source: Path) -> Iterator[bytes]:
    """The lines of a file, of which a hostile one may have gigabytes: never more than what a
    record may have, and enough to be refused, is held."""
    try:
        with source.open("rb") as file:
            while line := file.readline(MAX_RECORD_BYTES + 2):
                yield line
                while len(line) > MAX_RECORD_BYTES and not line.endswith(b"\n"):
                    line = file.readline(MAX_RECORD_BYTES)
    except OSError as error:
        raise FeedbackError(f"{source} cannot be read: {error.strerror or error}") from error


def _parse(line: bytes, now: datetime) -> Measurement:
    try:
        record = parse(line.removesuffix(b"\n"))
    except RecordError:
        if line.endswith(b"\n") or len(line) > MAX_RECORD_BYTES:
            raise
        raise RecordError(_CUT_SHORT) from None
    parse(record.to_json())  # what is filed may be longer, and must be readable for ever
    reason = _reason_to_refuse(record, now)
    if reason is not None:
        raise RecordError(reason)
    return record


def _reason_to_refuse(record: Measurement, now: datetime) -> str | None:
    """Why a well-formed record says nothing about a device. Raises SpecError, RecordError."""
    if record.subject.kind == "chain":
        return (
            "measures a single block, as a profile orders it: such records go to the stage that "
            "ordered them, and correct no table"
        )
    if record.subject.kind != "network":
        return (
            f"measures a {record.subject.kind}, not a network whose blocks are known: "
            "measure the family (facet measure --family)"
        )
    if record.subject.role in JUDGES:
        return (
            f"is a {record.subject.role} network of a profile, which judges by it what is fitted "
            "on all others: it goes to the stage that ordered it, and corrects no table"
        )
    record.subject.read_architecture()
    if not_hardware(record.target):
        return f"was not measured on hardware: {record.target.device}"
    return _reason_to_doubt_the_clock(record, now) or _reason_to_doubt_the_verdict(record)


def _reason_to_doubt_the_clock(record: Measurement, now: datetime) -> str | None:
    when = record.conditions.wall_time
    advice = "set the device's clock and measure again"
    try:
        moment = taken(record)
    except ValueError:
        return f"taken at {when!r}, which is no moment: {advice}"
    if moment > now + CLOCK_SLACK:  # all other records would look old beside it
        return f"taken in the future, {when}: {advice}"
    if moment < _EARLIEST:
        return f"taken before there were such records, {when}: {advice}"
    return None


def _reason_to_doubt_the_verdict(record: Measurement) -> str | None:
    """A record that is called usable must not hold what makes one invalid."""
    verdict, reasons = judge([b for b in record.samples_ns if b], record.conditions)
    if record.usable and verdict == "invalid":
        return f"is called {record.verdict}, but {reasons[0]}"
    return None
