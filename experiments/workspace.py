"""A folder per cell, in which the pipeline's own stages run as they do for a user."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from benchmarks.rows import Row
from edge.errors import EdgeError
from edge.files import write_atomic
from experiments.folder import TaskFolder
from experiments.settings import Arms
from pipeline.dataset import DATASET_FILE
from pipeline.smoke import RAW_FOLDER, environment

_SHARED = ("profile", "calibrate")
_ONE_THREAD = {"OMP_NUM_THREADS": "1"}  # threads that wait for each other would be charged for it


class StageError(EdgeError, RuntimeError):
    """A stage that failed in a cell's folder."""


@dataclass(frozen=True)
class Workspace:
    """A folder with params.yaml, the data, and the table below results/."""

    folder: Path
    root: Path

    def run(self, *module: str) -> None:
        """`python -m MODULE ..` in the folder. Raises StageError where it fails."""
        env = {**environment(), **_ONE_THREAD, "PYTHONPATH": str(self.root.resolve())}
        done = subprocess.run([sys.executable, "-m", *module], cwd=self.folder, env=env)
        if done.returncode != 0:
            raise StageError(f"python -m {' '.join(module)} failed in {self.folder}")

    def found(self, *module: str) -> Row:
        """What `python -m MODULE .. FILE` wrote to FILE in the folder. Raises StageError."""
        self.run(*module)
        found: Row = json.loads((self.folder / module[-1]).read_text(encoding="utf-8"))
        return found

    def fetch_data(self) -> None:
        """Make the data set that all workspaces of the task share, where it is not there yet: in a
        fresh clone, which has the table already. Raises StageError."""
        if not (self.folder / DATASET_FILE).exists():
            self.run("pipeline", "check")
            self.run("pipeline", "data")


def prepare(
    name: str, params: Mapping[str, Any], store: str, task: TaskFolder, table: bool = True
) -> Workspace:
    """The workspace `name`, made where there is none. Those of one `store` share checkpoints."""
    work = task.work.resolve()
    folder = work / name
    (folder / "results").mkdir(parents=True, exist_ok=True)
    write_atomic(folder / "params.yaml", yaml.safe_dump(dict(params), sort_keys=False))
    _link(folder / "data", _made(work / "data"))
    _link(folder / ".edgefacet", _made(work / store))
    if table:
        for stage in _SHARED:
            _link(folder / "results" / stage, (task.table / stage).resolve())
    raw = (task.root / RAW_FOLDER).resolve()
    if raw.is_dir():
        _link(work / "data" / RAW_FOLDER.name, raw)
    own = params["data"].get("path")
    if own is not None and not Path(own).is_absolute():
        _link(folder / own, (task.root / own).resolve())
    return Workspace(folder, task.root)


def for_networks(settings: Arms, task: TaskFolder) -> Workspace:
    """The workspace, with its data set, in which networks are trained and measured: all of a task
    share one store, so that none is trained twice."""
    where = prepare("networks", settings.merged(settings.first, 0, task.root), "store", task)
    where.fetch_data()
    return where


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _link(link: Path, to: Path) -> None:
    """In one step: cells that are prepared at the same time share some of their links."""
    if link.is_symlink() and link.readlink() == to:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    fresh = link.with_name(f".{link.name}-{uuid4().hex}")
    fresh.symlink_to(to)
    fresh.replace(link)
