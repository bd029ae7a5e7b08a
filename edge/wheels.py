"""The wheels that a board needs to measure a bundle, fetched by this machine's pip."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge import __version__
from edge.errors import EdgeError

EXTRAS = {"onnxruntime": "onnx", "litert": "litert"}  # of pyproject.toml, by runtime

_BOARD = re.compile(r"(\w+):3\.(\d{1,2})")
_ARCHITECTURES = ("aarch64", "x86_64")  # for which the runtimes have wheels
_OF_DEBIAN = {"arm64": "aarch64", "amd64": "x86_64"}  # dpkg's names of them; the first is Apple's
_OLDEST_PYTHON = 10  # 3.10, as pyproject.toml says
_GLIBC = ("manylinux_2_28", "manylinux_2_27", "manylinux2014")  # newest that is asked for first
_CHECKOUT = Path(__file__).parents[1]
_LAST_LINES = 3
_NO_WHEEL = re.compile(r"No matching distribution found for (?!edgefacet)([\w.-]+)")  # pip's words

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


class WheelError(EdgeError, RuntimeError):
    """Wheels that pip could not fetch."""


@dataclass(frozen=True)
class Board:
    """What decides which wheels fit."""

    arch: str
    python: str  # e.g. "3.11"

    @classmethod
    def parse(cls, text: str) -> Board:
        """Read ``aarch64:3.11``, or ``arm64:3.11``. Raises WheelError."""
        match = _BOARD.fullmatch(text)
        if match is None:
            raise WheelError(
                f"{text!r} names no board: write its processor and its Python, as in aarch64:3.11"
            )
        arch = _OF_DEBIAN.get(match[1], match[1])
        if arch not in _ARCHITECTURES:
            raise WheelError(
                f"no runtime has wheels for {match[1]}, only for {' and '.join(_ARCHITECTURES)}: a "
                "board of 64 bits needs a system of 64 bits"
            )
        if int(match[2]) < _OLDEST_PYTHON:
            raise WheelError(
                f"edgefacet needs Python 3.{_OLDEST_PYTHON} or later, not 3.{match[2]}: put a "
                "later one on the board"
            )
        return cls(arch, f"3.{match[2]}")

    def __str__(self) -> str:
        return f"{self.arch} with Python {self.python}"


def run_pip(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run this interpreter's pip."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def wheels_in(folder: Path) -> list[Path]:
    """Those that lie in `folder`, by name. Raises WheelError where there are none."""
    found = sorted(path for path in folder.glob("*.whl") if path.is_file())
    if not found:
        raise WheelError(f"no wheel lies in {folder}: it would end in .whl")
    return found


def fetch(
    board: Board,
    runtime: str,
    folder: Path,
    ours: Path | None = None,
    run: Run = run_pip,
    checkout: Path = _CHECKOUT,
) -> list[Path]:
    """Download edgefacet with `runtime` and all that they need for `board` into `folder`.

    edgefacet's own wheel comes from the folder `ours` where it lies there, is made of the
    `checkout` where this program runs from one, and comes from the index otherwise. pip looks at
    environment markers of this machine, not of the board: both are Linux. Raises WheelError.
    """
    if ours is None and (checkout / "pyproject.toml").is_file():
        _pip(run, board, ["wheel", "--no-deps", "--wheel-dir", str(folder), str(checkout)])
    platforms = [f"--platform={glibc}_{board.arch}" for glibc in _GLIBC]
    _pip(
        run,
        board,
        [
            *("download", "--only-binary=:all:", *platforms),
            *(f"--python-version={board.python}", "--implementation=cp"),
            *(f"--find-links={ours or folder}", f"--dest={folder}"),
            f"edgefacet[{EXTRAS[runtime]}]=={__version__}",
        ],
    )
    return wheels_in(folder)


def install_command(runtime: str, wheels: str) -> str:
    """What to type on the board, where the folder `wheels` lies."""
    package = f"'edgefacet[{EXTRAS[runtime]}]'"
    return f"python3 -m pip install --no-compile --no-index --find-links {wheels} {package}"


def _pip(run: Run, board: Board, arguments: Sequence[str]) -> None:
    done = run(arguments)
    if done.returncode:
        text = (done.stderr or done.stdout).strip()
        if lacking := _NO_WHEEL.search(text):
            raise WheelError(
                f"pip finds no wheel of {lacking[1]} for {board}: put an older Python on the "
                "board, or look whether the package index can be reached from here"
            )
        said = " / ".join(text.splitlines()[-_LAST_LINES:])
        raise WheelError(
            f"pip {arguments[0]} failed: {said}: put the wheels into a folder and name it "
            "with --wheels"
        )
