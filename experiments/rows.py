"""The rows of an experiment: appended as they come, so that a run of days can be killed."""

from __future__ import annotations

from benchmarks.rows import Row, append, read
from experiments.folder import TaskFolder

__all__ = ["CELLS", "LATENCIES", "NETWORKS", "ROOM", "Row", "append", "of"]

CELLS = "cells.jsonl"  # one per arm and seed
NETWORKS = "networks.jsonl"  # one per trained network and seed
LATENCIES = "latencies.jsonl"  # one per network, all of one session
ROOM = "room.jsonl"  # one per random network and seed: benchmarks.room


def of(name: str, folder: TaskFolder) -> list[Row]:
    """All rows of one file of a task."""
    return read(folder.results / name)
