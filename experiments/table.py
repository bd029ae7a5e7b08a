"""The latency table and its calibration, which all cells share."""

from __future__ import annotations

import shutil

from experiments.folder import TaskFolder
from experiments.settings import Settings
from experiments.workspace import prepare

STAGES = ("check", "data", "profile", "calibrate")
_KEPT = ("profile", "calibrate")
_NOT_KEPT = shutil.ignore_patterns("records.jsonl")  # megabytes that no cell reads


def run(settings: Settings, task: TaskFolder) -> None:
    """Run the stages in a workspace of their own, and keep what they wrote. Raises StageError."""
    params = settings.merged(settings.first, 0, task.root)
    where = prepare("table", params, "store", task, table=False)
    for stage in STAGES:
        where.run("pipeline", stage)
    for stage in _KEPT:
        kept = task.table / stage
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(where.folder / "results" / stage, kept, ignore=_NOT_KEPT)
