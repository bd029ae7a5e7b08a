"""The rows of an experiment: appended as they come, so that a run of days can be killed."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.rows import Row, read
from experiments.folder import TaskFolder

CELLS = "cells.jsonl"  # one per arm and seed
NETWORKS = "networks.jsonl"  # one per trained network and seed
LATENCIES = "latencies.jsonl"  # one per network, all of one session
ABLATIONS = "ablations.jsonl"  # one per ablation and seed
RANK = "rank.jsonl"  # one per network of the room, as shared weights see it
ROOM = "room.jsonl"  # one per random network and seed: benchmarks.room


def of(name: str, folder: TaskFolder) -> list[Row]:
    """All rows of one file of a task."""
    return read(folder.results / name)


def latest(trained: Iterable[Row]) -> list[Row]:
    """The last row of every network and seed: where data or torch have changed, all is trained
    again, and a mean over both would be one of two protocols."""
    return list({(row["architecture"], row["seed"]): row for row in trained}.values())
