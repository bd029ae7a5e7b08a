"""The latency table and its calibration, which all cells share."""

from __future__ import annotations

import shutil
from pathlib import Path

from experiments.settings import Settings
from experiments.workspace import TABLE, prepare

STAGES = ("check", "data", "profile", "calibrate")
_KEPT = ("profile", "calibrate")
_NOT_KEPT = shutil.ignore_patterns("records.jsonl")  # megabytes that no cell reads


def run(settings: Settings, root: Path = Path()) -> None:
    """Run the stages in a workspace of their own, and keep what they wrote. Raises StageError."""
    where = prepare("table", settings.merged(settings.first, 0, root), "store", False, root)
    for stage in STAGES:
        where.run("pipeline", stage)
    for stage in _KEPT:
        kept = root / TABLE / stage
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(where.folder / "results" / stage, kept, ignore=_NOT_KEPT)
