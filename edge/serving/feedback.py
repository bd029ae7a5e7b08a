"""Inference times of the application, left for the agent on this board (`edge.agent.inbox`).

Written in files of their own, and never more than `limit_bytes` of them lie there: where no agent
collects them, times are dropped and counted. Nothing here raises into the application.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.errors import EdgeError

PREFIX = "serve-"  # of our files in the inbox
Batch = Mapping[str, Sequence[float]]  # name of a member → latencies in ms, in their order


@dataclass
class Feedback:
    """Every `every`-th inference, in files of `batch` times.

    `lines` has, by the name of a member, what a line of the inbox says of it besides the times
    (`edge.agent.inbox.Times`). Not thread-safe: the server calls `add` under its lock and writes
    one batch at a time.
    """

    folder: Path
    lines: Mapping[str, Mapping[str, Any]]
    every: int = 10
    batch: int = 1000
    limit_bytes: int = 1 << 20
    clock: Callable[[], int] = time.time_ns  # part of a file's name
    written: int = 0  # times
    dropped: int = 0  # times
    problem: str | None = None  # why the last ones were dropped
    _seen: int = field(default=0, repr=False)
    _waiting: dict[str, list[float]] = field(default_factory=dict, repr=False)
    _count: int = field(default=0, repr=False)

    def add(self, name: str, latency_ms: float) -> Batch | None:
        """Take note of an inference; gives a batch that is ready to be written now and then."""
        self._seen += 1
        if self._seen % self.every:
            return None
        self._waiting.setdefault(name, []).append(latency_ms)
        self._count += 1
        return self.take() if self._count >= self.batch else None

    def take(self) -> Batch | None:
        """What waits to be written, if anything does."""
        waiting, self._waiting, self._count = self._waiting, {}, 0
        return waiting or None

    def write(self, batch: Batch) -> None:
        """Leave `batch` in the inbox, as one file."""
        count = sum(map(len, batch.values()))
        try:
            self._write(batch)
        except (OSError, EdgeError, ValueError) as error:  # pydantic's are ValueErrors
            self.dropped += count
            self.problem = str(error)
        else:
            self.written += count

    def _write(self, batch: Batch) -> None:
        from edge.agent.inbox import Times

        content = "".join(
            Times(**self.lines[name], latency_ms=tuple(times)).model_dump_json() + "\n"
            for name, times in batch.items()
        ).encode()
        lying = sum(path.stat().st_size for path in self.folder.glob(f"{PREFIX}*"))
        if lying + len(content) > self.limit_bytes:
            raise InboxFull(f"{lying} bytes lie in {self.folder} already: does the agent run?")
        part = self.folder / f"{PREFIX}{os.getpid()}-{self.clock()}.tmp"
        part.write_bytes(content)
        part.rename(part.with_suffix(".jsonl"))  # no fsync: what a power cut takes is replaceable


class InboxFull(EdgeError, OSError):
    """The agent has not collected what was left before."""
