"""The latency table and its calibration, which all cells share."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from experiments.folder import TaskFolder
from experiments.settings import Settings
from experiments.workspace import prepare

STAGES = ("check", "data", "profile", "calibrate")
_KEPT = ("profile", "calibrate")
_NOT_KEPT = shutil.ignore_patterns("records.jsonl")  # megabytes that no cell reads


def run(settings: Settings, task: TaskFolder, again: bool = False) -> None:
    """Run the stages in a workspace of their own, and keep what they wrote; where there is a table,
    only `again`: the keys of all cells hold it, and no two measurements are the same. Raises
    StageError."""
    if task.table.exists() and not again:
        click.echo(f"kept: {task.table}; with --again it is measured, and all cells are made, anew")
        return
    params = settings.merged(settings.first, 0, task.root)
    where = prepare("table", params, "store", task, table=False)
    for stage in STAGES:
        where.run("pipeline", stage)
    _keep(where.folder / "results", where.folder / "kept", task.table)


def _keep(results: Path, fresh: Path, table: Path) -> None:
    """Replace the table when the copy is whole: half of one would be taken for a table."""
    shutil.rmtree(fresh, ignore_errors=True)
    for stage in _KEPT:
        shutil.copytree(results / stage, fresh / stage, ignore=_NOT_KEPT)
    shutil.rmtree(table, ignore_errors=True)
    fresh.rename(table)
