"""The whole pipeline in minutes: a copy of the working tree, a small preset, ``dvc repro``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from edge.errors import EdgeError

PRESET = Path("presets/smoke.yaml")
RAW_FOLDER = Path("data/raw")  # what was downloaded once is not downloaded again
REPRO = (sys.executable, "-m", "dvc", "repro")
MARKER = ".smoke-copy"


class SmokeError(EdgeError, RuntimeError):
    """The copy could not be made, or a stage failed in it."""


def run(
    into: Path, root: Path = Path(), command: Sequence[str] = REPRO, preset: Path = PRESET
) -> Path:
    """Run `command` in a fresh copy of the working tree `root`, with the parameters of `preset`
    (a path in it), and return the copy.

    Raises SmokeError where `into` is not an old copy, or `command` fails.
    """
    prepare(into, root, preset)
    done = subprocess.run(command, cwd=into, env=environment(), check=False)
    if done.returncode != 0:
        raise SmokeError(f"{' '.join(command)} failed with {done.returncode}; see {into}")
    return into


def environment() -> dict[str, str]:
    """This process's environment, with this interpreter as the `python` that stages call."""
    bin_folder = Path(sys.executable).parent
    return {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ.get('PATH', '')}"}


def prepare(into: Path, root: Path = Path(), preset: Path = PRESET) -> None:
    """Copy the working tree `root` to `into`, ready for ``dvc repro`` outside Git."""
    _make_empty(into)
    copy_files(root, into, working_tree(root))
    if (root / RAW_FOLDER).is_dir():
        shutil.copytree(root / RAW_FOLDER, into / RAW_FOLDER, dirs_exist_ok=True)
    shutil.copyfile(root / preset, into / "params.yaml")
    (into / "dvc.lock").unlink(missing_ok=True)  # it describes another run,
    shutil.rmtree(into / "results", ignore_errors=True)  # and so do its numbers
    dvc = into / ".dvc"
    dvc.mkdir(exist_ok=True)
    (dvc / "config.local").write_text("[core]\n    no_scm = True\n    analytics = False\n")


def working_tree(root: Path) -> list[Path]:
    """The files below `root` that Git tracks or would track, relative to it, if they exist."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SmokeError(f"{root.resolve()} is no working tree of Git: {error}") from error
    names = {Path(os.fsdecode(name)) for name in done.stdout.split(b"\0") if name}
    return sorted(name for name in names if (root / name).is_file())


def copy_files(root: Path, into: Path, names: Iterable[Path]) -> None:
    """Copy `names` from `root` to `into`, with their permissions."""
    for name in names:
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, into / name)


def _make_empty(into: Path) -> None:
    """Make the folder, or empty an old copy; a folder that is something else stays as it is."""
    if into.exists() and not (into / MARKER).exists():
        raise SmokeError(f"{into} exists and is no copy made by this command; name another folder")
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    (into / MARKER).touch()
