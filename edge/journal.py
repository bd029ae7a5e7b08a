"""Finished blocks of runs on the disk, so that a session that was killed resumes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from edge.files import full_disk_names, write_atomic
from edge.sensors import CpuTimes, Sensors


@dataclass(frozen=True)
class Block:
    """One block of runs of one model, and the sensors around it."""

    warmup_ns: list[int]
    samples_ns: list[int]
    peak_memory_bytes: int | None
    before: Sensors
    after: Sensors


class Journal:
    """JSON lines: a header that says whose blocks these are, then one line per block.

    A file with another header is thrown away: its blocks belong to something else. Without a
    path nothing is kept. Lines are flushed but not forced to the disk, which would disturb
    the measurement that follows: they outlive a kill, not a power cut.
    """

    def __init__(self, path: Path | None, header: list[Any]) -> None:
        self._path = path
        self._header = json.dumps(header, sort_keys=True)
        self._blocks: dict[str, list[Block]] = {}
        self._file: TextIO | None = None

    def __enter__(self) -> Journal:
        if self._path is None:
            return self
        lines = self._read(self._path)
        # Without what a kill left behind; in one step, or a full disk would take the blocks too.
        write_atomic(self._path, "".join(f"{line}\n" for line in [self._header, *lines]))
        self._file = self._path.open("a", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def blocks(self, key: str) -> list[Block]:
        """The finished blocks of the job `key`, in order."""
        return self._blocks.get(key, [])

    def append(self, key: str, blocks: Iterable[Block]) -> None:
        """Keep further blocks of the job `key`."""
        self._write(json.dumps([key, asdict(block)]) for block in blocks)

    def _read(self, path: Path) -> list[str]:
        """Take over the blocks of our own header, up to the first damaged line."""
        lines = _whole_lines(path)
        if lines[:1] != [self._header]:
            return []
        for number, line in enumerate(lines[1:], 1):
            try:
                key, block = json.loads(line)
                self._blocks.setdefault(key, []).append(_read_block(block))
            except (ValueError, TypeError, KeyError):
                return lines[1:number]
        return lines[1:]

    def _write(self, lines: Iterable[str]) -> None:
        if self._file is not None and self._path is not None:
            with full_disk_names(self._path):
                self._file.writelines(line + "\n" for line in lines)
                self._file.flush()


def _whole_lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    return text[: text.rfind("\n") + 1].splitlines()


def _read_block(data: dict[str, Any]) -> Block:
    sensors = {name: _read_sensors(data[name]) for name in ("before", "after")}
    return Block(**{**data, **sensors})


def _read_sensors(data: dict[str, Any]) -> Sensors:
    cpu = data["cpu"]
    return Sensors(**{**data, "cpu": None if cpu is None else CpuTimes(*cpu)})
