"""Measurements: the wire and file format, versioned, immutable, raw samples included.

A file of records is JSON lines, one `Measurement` a line. Version history:

1. first version.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError
from typing_extensions import Self

from edge.errors import EdgeError, first_problem
from edge.files import full_disk_names
from edge.spec import Architecture
from edge.statistics import median_ms

FORMAT_VERSION: Literal[1] = 1
CLOCK_SLACK = timedelta(days=1)  # a clock may run fast, or believe in another time zone
TEMPERATURES_C = (-100.0, 200.0)  # of a board: what is beyond them no sensor measured
MAX_SAMPLE_NS = 600 * 10**9  # ten minutes: no inference that EdgeFacet times takes longer
WITHDRAWN = "withdrawn.txt"  # in a folder of records: ids of those that count no more
MAX_RECORD_BYTES = 4 << 20  # of one line; 500,000 runs, where `verify` makes 14,000
_BEGINNING = b'{"conditions":'  # of every line that `append` writes


class RecordError(EdgeError, ValueError):
    """A record that cannot be read or is not physically possible."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)  # NaN is no JSON


class Target(_Frozen):
    """What a latency belongs to. Two targets are two tables."""

    device: str
    runtime: str
    runtime_version: str
    provider: str
    precision: str
    threads: int = Field(ge=1)
    batch: int = Field(default=1, ge=1)
    power_mode: str = "unknown"

    @property
    def id(self) -> str:
        """Twelve hex digits; equal targets have equal ids."""
        text = json.dumps(self.model_dump(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def __str__(self) -> str:
        return (
            f"{self.device} / {self.runtime} {self.runtime_version} ({self.provider}) / "
            f"{self.precision} / {self.threads} thread(s) / batch {self.batch} / "
            f"power mode {self.power_mode}"
        )


class Conditions(_Frozen):
    """How the device was while a measurement was taken; a missing sensor is None."""

    wall_time: str  # ISO 8601, UTC
    boot_id: str | None = None
    uptime_s: float | None = None
    kernel: str | None = None
    os: str | None = None
    governor: str | None = None
    clock_mhz_before: float | None = None
    clock_mhz_after: float | None = None
    temperature_c_before: float | None = None
    temperature_c_after: float | None = None
    throttled: bool | None = None
    other_cpu_load: float | None = None  # share of all cores that others used, 0..1


class Subject(_Frozen):
    """What was measured.

    `chain`: `repeat` copies of the block `block` in a row, none where only what stands before
    them was. `network`: a whole architecture (`role` says why: base, anchor, heldout, member).
    `file`: any model file.
    """

    kind: Literal["chain", "network", "file"]
    name: str
    sha256: str  # of the model file
    block: str | None = None
    repeat: int | None = None
    role: str | None = None
    architecture: dict[str, Any] | None = None

    def read_architecture(self) -> Architecture:
        """The architecture of a `network`. Raises RecordError where there is none."""
        if self.architecture is None:
            raise RecordError(f"the record of {self.name!r} holds no architecture")
        return Architecture.from_dict(self.architecture)


Verdict = Literal["clean", "clean-unverified", "suspect", "invalid"]
Nanoseconds = int
Runs = Annotated[tuple[Nanoseconds, ...], FailFast()]  # a million errors would fill the memory


class Measurement(_Frozen):
    """One immutable record: raw samples, the conditions they were taken under, a verdict."""

    version: Literal[1] = FORMAT_VERSION
    subject: Subject
    target: Target
    conditions: Conditions
    warmup_ns: Runs
    samples_ns: Annotated[tuple[Runs, ...], FailFast()]  # one tuple per block of runs
    peak_memory_bytes: int | None = None
    verdict: Verdict
    reasons: Annotated[tuple[str, ...], FailFast()] = ()

    def model_post_init(self, _context: object) -> None:
        samples = [ns for block in self.samples_ns for ns in block]
        if not samples:
            raise ValueError("no samples")
        if not all(0 < ns <= MAX_SAMPLE_NS for ns in samples):
            raise ValueError(f"a sample outside 1 ns .. {MAX_SAMPLE_NS} ns is not a latency")

    @property
    def usable(self) -> bool:
        """Whether the measurement may move a calibration."""
        return self.verdict in ("clean", "clean-unverified")

    @cached_property
    def id(self) -> str:
        """sha256 of the content: the same record has the same id everywhere."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @cached_property
    def median_ms(self) -> float:
        """The median of all runs."""
        return median_ms(self.samples_ns)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other fields; what was worked out of the old ones is forgotten."""
        copied = super().model_copy(update=update, deep=deep)
        for name in ("id", "median_ms"):
            copied.__dict__.pop(name, None)
        return copied

    def to_json(self) -> str:
        """One line of JSON, keys sorted."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


def append(path: Path, measurement: Measurement) -> None:
    """Append one record and force it to the disk, in place of a line that a kill cut short.

    Raises RecordError, and writes nothing, where `parse` would refuse to read it back, or where
    `path` is no file of records: neither its first line nor what would be cut off may be anything
    else.
    """
    line = measurement.to_json()
    parse(line)
    path.parent.mkdir(parents=True, exist_ok=True)
    with full_disk_names(path), path.open("a+b") as file:
        file.seek(0)
        whole = _whole_lines(file.read(), path)
        if first := whole.partition(b"\n")[0].strip():
            _parse_at(first, f"{path}:1")
        # O_APPEND: what follows goes to the end, wherever the end is by now.
        file.truncate(len(whole))
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> list[Measurement]:
    """All records of a JSON-lines file.

    A last line without its newline is what a kill in mid-write leaves behind: it is ignored.
    Raises RecordError, with file and line, for any other line that is not a record.
    """
    lines = _whole_lines(path.read_bytes(), path).split(b"\n")  # splitlines splits at more bytes
    return [_parse_at(line, f"{path}:{n}") for n, line in enumerate(lines, 1) if line.strip(b"\r")]


def is_cut_short(path: Path) -> bool:
    """Whether the last line, which `read` ignores, has no newline."""
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _whole_lines(content: bytes, path: Path) -> bytes:
    """`content` without the last line that a kill cut short, or of which a power cut left zeros.
    Raises RecordError where that is not the beginning of a record: it is somebody else's then, and
    the whole file may be."""
    whole = content[: content.rfind(b"\n") + 1]
    cut = content[len(whole) :]
    if whole:
        cut = cut.rstrip(b"\0")
    if cut[: len(_BEGINNING)] != _BEGINNING[: len(cut)]:
        line = whole.count(b"\n") + 1
        raise RecordError(f"{path}:{line}: neither a record nor the beginning of one")
    return whole


def read_all(folder: Path) -> list[Measurement]:
    """Every record in the ``*.jsonl`` files under `folder`, each once, ordered by id; without those
    that were `withdrawn`."""
    gone = withdrawn(folder)
    records = (m for path in sorted(folder.rglob("*.jsonl")) for m in read(path))
    return unique(m for m in records if m.id not in gone)


def withdrawn(folder: Path) -> frozenset[str]:
    """Ids of records of `folder` that count no more: their device is not trusted. Files of records
    are never changed, so a list beside them names these, one a line."""
    try:
        return frozenset((folder / WITHDRAWN).read_text(encoding="ascii").split())
    except FileNotFoundError:
        return frozenset()


def unique(measurements: Iterable[Measurement]) -> list[Measurement]:
    """The set of records, ordered by id: merging is union."""
    by_id = {m.id: m for m in measurements}
    return [by_id[key] for key in sorted(by_id)]


def parse(line: str | bytes) -> Measurement:
    """The record on one line of JSON; bytes are UTF-8. Raises RecordError, which says why not."""
    if len(line) > MAX_RECORD_BYTES:
        raise RecordError(f"larger than {MAX_RECORD_BYTES >> 20} MiB, the most a record may have")
    try:
        return Measurement.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"] == ("version",):
            raise RecordError(
                f"version {first['input']!r} is not {FORMAT_VERSION}, the one this "
                "edgefacet reads: update edgefacet"
            ) from error
        raise RecordError(first_problem(error, "record")) from error


def _parse_at(line: bytes, where: str) -> Measurement:
    try:
        return parse(line)
    except RecordError as error:
        raise RecordError(f"{where}: {error}") from error


def iter_networks(
    measurements: Iterable[Measurement],
) -> Iterator[tuple[Architecture, Measurement]]:
    """The whole-network records among `measurements`, each with its architecture."""
    for m in measurements:
        if m.subject.kind == "network":
            yield m.subject.read_architecture(), m
