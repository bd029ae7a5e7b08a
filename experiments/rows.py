"""The rows of an experiment: appended as they come, so that a run of days can be killed."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.rows import Row, as_lines, read
from experiments.folder import TaskFolder

CELLS = "cells.jsonl"  # one per arm and seed
NETWORKS = "networks.jsonl"  # one per trained network and seed
LATENCIES = "latencies.jsonl"  # one per network, all of one session


def append(path: Path, row: Row) -> None:
    """Add one row; a kill leaves it whole or not at all, and several processes may append."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(as_lines([row]))
        file.flush()
        os.fsync(file.fileno())


def of(name: str, folder: TaskFolder) -> list[Row]:
    """All rows of one file of a task."""
    return read(folder.results / name)
