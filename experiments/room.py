"""The room of a task: how much its networks of equal latency differ (docs/benchmarks.md)."""

from __future__ import annotations

from experiments import rows
from experiments.folder import TaskFolder
from experiments.settings import Settings
from experiments.workspace import for_networks


def run(settings: Settings, task: TaskFolder, workers: int) -> None:
    """Train what has no row yet, with the recipe and in the store of all networks of the task."""
    room = settings.room
    for_networks(settings, task).run(
        "benchmarks.room",
        f"--out={(task.results / rows.ROOM).resolve()}",
        f"--workers={workers}",
        f"--latencies={room.latencies}",
        f"--networks={room.networks}",
        f"--seeds={room.seeds}",
    )
