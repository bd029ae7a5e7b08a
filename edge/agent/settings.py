"""What may be set, and what the agent takes from the outside world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edge.agent import models, spool
from edge.agent.conditions import HOT_C
from edge.device import ROOT, describe
from edge.host import WORKER

_MEMORY_LIMIT_BYTES = 4 << 30


class Stop(Protocol):
    """Ends the agent: a `threading.Event`, or a test's."""

    def is_set(self) -> bool: ...

    def wait(self, timeout: float) -> bool:
        """Sleep for `timeout` seconds, or until it is set."""


class Stopped(Exception):
    """The agent was told to end: what is under way stays as it is on the disk."""


@dataclass(frozen=True)
class Settings:
    """Defaults are those of a board with 1 GB of memory and a small card."""

    poll_s: float | None = None  # what the hub says
    spool_cap_bytes: int = spool.DEFAULT_CAP_BYTES
    cache_cap_bytes: int = models.DEFAULT_CAP_BYTES
    min_free_bytes: int = 32 << 20  # with less the disk counts as full
    memory_limit_bytes: int = _MEMORY_LIMIT_BYTES  # of all models of an order together
    hot_c: float = HOT_C
    cool_s: float = 600.0  # longest wait for the board to cool
    inbox: Path | None = None  # inside the state folder
    root: Path = ROOT
    worker: Sequence[str] = WORKER


def half_the_memory(root: Path = ROOT) -> int:
    """Bytes. A model that wants it all must fail alone, before the kernel picks whom to kill."""
    return min(_MEMORY_LIMIT_BYTES, (describe(root).memory_bytes or _MEMORY_LIMIT_BYTES) // 2)
