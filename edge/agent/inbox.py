"""Inference times that applications on the board took themselves: files of JSON lines in a folder.

An application writes ``NAME.tmp`` and renames it to ``NAME.jsonl``; every line is a `Times`.
Nothing in the folder is trusted: names, sizes and content are those of a stranger. A file is
removed when what it held is in the spool, and what it became depends on the file alone, so that
one that is read again after a kill is no second measurement.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge import device, sensors
from edge.device import ROOT
from edge.errors import EdgeError, first_problem
from edge.orders import Name, Sha256
from edge.record import MAX_SAMPLE_NS, Conditions, Measurement, Subject, Target
from edge.spec import Architecture
from edge.verdict import judge

MAX_FILE_BYTES = 1 << 20
MAX_FILES = 100  # of one look
MAX_LINES = 1000  # of a file
MAX_RUNS = 2000  # that are kept of a model in a file
MAX_FOLDER_BYTES = 16 << 20  # what lies there beyond is thrown away
DOUBT = "the inference times of an application: nobody controlled the conditions"

_BLOCKS = 7
_NS_PER_MS = 1e6
_Text = Annotated[str, Field(min_length=1, max_length=200)]
_Identity = tuple[int, int, int]


class Times(BaseModel):
    """One line: how long inferences of one model took, in the order they were made.

    `architecture` is that of a member of a family, as in its `family.json`; without it the record
    cannot correct the latency table.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: _Text  # of the model
    sha256: Sha256  # of the model file
    architecture: dict[str, Any] | None = None
    runtime: Name
    runtime_version: _Text
    provider: _Text
    precision: Name
    threads: Annotated[int, Field(ge=1, le=256)]
    batch: Annotated[int, Field(ge=1, le=4096)] = 1
    latency_ms: Annotated[
        tuple[Annotated[float, Field(gt=1e-6, le=MAX_SAMPLE_NS / _NS_PER_MS)], ...],
        Field(min_length=1, max_length=20_000),
    ]

    def subject(self) -> Subject:
        """Raises SpecError for a malformed architecture."""
        if self.architecture is None:
            return Subject(kind="file", name=self.name, sha256=self.sha256)
        Architecture.from_dict(self.architecture)
        return Subject(
            kind="network",
            name=self.name,
            sha256=self.sha256,
            role="member",
            architecture=self.architecture,
        )

    def target(self, root: Path) -> Target:
        """On this board: an application does not say which one that is."""
        return Target(
            device=device.describe(root).fingerprint,
            power_mode=sensors.power_mode(root),
            **self.model_dump(include=set(Target.model_fields)),
        )


@dataclass(frozen=True)
class Taken:
    """What one file held, and what was wrong with it."""

    path: Path
    info: os.stat_result
    records: tuple[Measurement, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass
class Inbox:
    """The folder `folder`, which may be missing."""

    folder: Path
    root: Path = ROOT
    settle_s: float = 60.0  # a last line without its end is left this long to be completed
    _stuck: set[_Identity] = field(default_factory=set)

    def look(self, now_s: float) -> Iterator[Taken]:
        """Read the files that are complete, the oldest first, `MAX_FILES` at most.

        `now_s` is the time of day, in seconds since 1970.
        """
        files = [(path, info) for path, info in self._files() if _identity(info) not in self._stuck]
        over_bytes = sum(info.st_size for _, info in files) - MAX_FOLDER_BYTES
        for path, info in files[:MAX_FILES]:
            if over_bytes > 0:
                taken: Taken | None = Taken(path, info, problems=("the inbox is too full",))
            else:
                taken = self._read(path, info, now_s)
            over_bytes -= info.st_size
            if taken is not None:
                yield taken

    def remove(self, taken: Taken) -> None:
        """What was `taken` is in the spool. A file that stays all the same is not read again, and
        one that has come in its place is left."""
        with suppress(OSError):
            if _identity(taken.path.lstat()) == _identity(taken.info):
                taken.path.unlink()
                return
        self._stuck.add(_identity(taken.info))

    def _files(self) -> list[tuple[Path, os.stat_result]]:
        """Regular files, by age: no links, pipes or folders, which would lead elsewhere."""
        found = []
        with suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.endswith(".jsonl") and entry.is_file(follow_symlinks=False):
                    found.append((Path(entry.path), entry.stat(follow_symlinks=False)))
        return sorted(found, key=lambda one: (one[1].st_mtime_ns, one[0].name))

    def _read(self, path: Path, info: os.stat_result, now_s: float) -> Taken | None:
        if info.st_size > MAX_FILE_BYTES:
            return Taken(path, info, problems=(f"larger than {MAX_FILE_BYTES >> 20} MiB",))
        try:
            content = _content(path)
        except OSError as error:
            return Taken(path, info, problems=(f"cannot be read: {error.strerror}",))
        try:
            wall_time = datetime.fromtimestamp(info.st_mtime, timezone.utc).isoformat()
        except (ValueError, OverflowError, OSError):  # a year that no calendar of ours has
            return Taken(path, info, problems=("changed at a time that is no date",))
        whole, _, rest = content.rpartition(b"\n")
        if rest and 0 <= now_s - info.st_mtime < self.settle_s:
            return None
        times, problems = _parse(whole.split(b"\n"))
        if rest:
            problems.append("its last line is cut short")
        records = tuple(self._records(times, wall_time, problems))
        return Taken(path, info, records, tuple(problems))

    def _records(
        self, times: Sequence[Times], wall_time: str, problems: list[str]
    ) -> Iterator[Measurement]:
        """One record per model and target; what is malformed goes to `problems`."""
        runs: dict[str, list[float]] = {}
        lines: dict[str, Times] = {}
        for line in times:
            key = line.model_dump_json(exclude={"latency_ms"})
            lines.setdefault(key, line)
            runs.setdefault(key, []).extend(line.latency_ms)
        for key, line in lines.items():
            try:
                subject = line.subject()
            except EdgeError as error:
                problems.append(str(error))
                continue
            yield record(subject, line.target(self.root), runs[key], self._conditions(wall_time))

    def _conditions(self, wall_time: str) -> Conditions:
        """Only what does not change between two looks: the record must be the same again."""
        now = sensors.conditions(self.root)
        return Conditions(wall_time=wall_time, kernel=now.kernel, os=now.os, governor=now.governor)


def record(
    subject: Subject, target: Target, latency_ms: Sequence[float], conditions: Conditions
) -> Measurement:
    """A record of at most `MAX_RUNS` of the runs, evenly spaced in time; suspect at best."""
    count = min(len(latency_ms), MAX_RUNS)
    sampled = [
        max(1, round(latency_ms[n * len(latency_ms) // count] * _NS_PER_MS)) for n in range(count)
    ]
    bounds = [n * count // min(_BLOCKS, count) for n in range(min(_BLOCKS, count) + 1)]
    blocks = tuple(tuple(sampled[a:b]) for a, b in pairwise(bounds))
    verdict, reasons = judge(blocks, conditions)
    return Measurement(
        subject=subject,
        target=target,
        conditions=conditions,
        warmup_ns=(),
        samples_ns=blocks,
        verdict="invalid" if verdict == "invalid" else "suspect",
        reasons=(DOUBT, *reasons),
    )


def _content(path: Path) -> bytes:
    """Of a regular file that is not larger than it was: what is behind a name may change."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return b""
        return file.read(MAX_FILE_BYTES)


def _parse(lines: Sequence[bytes]) -> tuple[list[Times], list[str]]:
    times, problems = [], []
    if len(lines) > MAX_LINES:
        problems.append(f"more than {MAX_LINES} lines: the others were left out")
    for number, line in enumerate(lines[:MAX_LINES], 1):
        if line.strip():
            try:
                times.append(Times.model_validate_json(line))
            except ValidationError as error:
                problems.append(f"line {number}: {first_problem(error, 'line')}")
    return times, problems


def _identity(info: os.stat_result) -> _Identity:
    """Of a file and its content, whatever its name."""
    return info.st_dev, info.st_ino, info.st_mtime_ns
