"""What a family was made of: the commit, the parameters and the data."""

from __future__ import annotations

import subprocess
from pathlib import Path

from edge import __version__
from edge.files import sha256_of
from edge.manifest import Provenance
from pipeline.dataset import DATASET_FILE
from pipeline.params import PARAMS_FILE

# All but what a run writes itself, which says nothing of what it was made of.
_INPUTS = (".", ":(exclude)results", ":(exclude)dvc.lock")


def provenance(root: Path = Path()) -> Provenance:
    """Of a family that is made below `root` now; what is not there is None."""
    return Provenance(
        commit=commit(root),
        params_sha256=_sha256(root / PARAMS_FILE),
        data_sha256=_sha256(root / DATASET_FILE),
        edgefacet=__version__,
    )


def commit(root: Path) -> str | None:
    """The commit of the working tree, twelve digits, marked where tracked files differ from it but
    for those that a run writes; None without Git."""
    try:
        head = _git(root, "rev-parse", "--short=12", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", *_INPUTS)
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{head}, with changes" if changed else head


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "--no-optional-locks", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def _sha256(path: Path) -> str | None:
    return sha256_of(path) if path.exists() else None
