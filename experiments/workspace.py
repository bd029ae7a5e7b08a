"""A folder per cell, in which the pipeline's own stages run as they do for a user."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from edge.errors import EdgeError
from edge.files import write_atomic
from pipeline.smoke import RAW_FOLDER, environment

WORK = Path("experiments/.work")  # may be removed at any time: all of it can be made again
TABLE = Path("experiments/table")  # profile and calibration that all cells share; Git keeps them
_SHARED = ("profile", "calibrate")


class StageError(EdgeError, RuntimeError):
    """A stage that failed in a cell's folder."""


@dataclass(frozen=True)
class Workspace:
    """A folder with params.yaml, the data, and the table below results/."""

    folder: Path
    root: Path

    def run(self, *module: str) -> None:
        """`python -m MODULE ..` in the folder. Raises StageError where it fails."""
        env = {**environment(), "PYTHONPATH": str(self.root.resolve())}
        done = subprocess.run([sys.executable, "-m", *module], cwd=self.folder, env=env)
        if done.returncode != 0:
            raise StageError(f"python -m {' '.join(module)} failed in {self.folder}")


def prepare(
    name: str, params: Mapping[str, Any], store: str, table: bool = True, root: Path = Path()
) -> Workspace:
    """The workspace `name`, made where there is none. Those of one `store` share checkpoints."""
    work = (root / WORK).resolve()
    folder = work / name
    (folder / "results").mkdir(parents=True, exist_ok=True)
    write_atomic(folder / "params.yaml", yaml.safe_dump(dict(params), sort_keys=False))
    _link(folder / "data", _made(work / "data"))
    _link(folder / ".edgefacet", _made(work / store))
    if table:
        for stage in _SHARED:
            _link(folder / "results" / stage, (root / TABLE / stage).resolve())
    raw = (root / RAW_FOLDER).resolve()
    if raw.is_dir():
        _link(work / "data" / RAW_FOLDER.name, raw)
    return Workspace(folder, root)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _link(link: Path, to: Path) -> None:
    if link.is_symlink() and link.readlink() == to:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(to, target_is_directory=True)
