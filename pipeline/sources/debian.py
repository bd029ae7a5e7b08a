"""Files of a Debian or Ubuntu package, without root: downloaded and unpacked, not installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from pipeline.fetch import TIMEOUT_S, SourceError

APT_LIMIT_S = 600.0


def unpack(package: str, where: Path) -> Path:
    """Download `package` and unpack it below `where`; returns its root. Raises SourceError."""
    for tool in ("apt-get", "dpkg"):
        if shutil.which(tool) is None:
            raise SourceError(f"{tool} is not installed")
    try:
        _apt_get(where, "download", package)
    except SourceError:  # often because the machine's package lists are missing: make own ones
        lists = _private_lists(where)
        _apt_get(where, *lists, "update")
        _apt_get(where, *lists, "download", package)
    _command(where, "dpkg", "-x", str(next(where.glob(f"{package}_*.deb"))), "unpacked")
    return where / "unpacked"


def _private_lists(where: Path) -> list[str]:
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (where / folder).mkdir(parents=True)
    return [
        f"-oDir::State={where}/state",
        f"-oDir::Cache={where}/cache",
        "-oDir::State::status=/var/lib/dpkg/status",
    ]


def _apt_get(where: Path, *arguments: str) -> None:
    options = ["-q", "-oAcquire::Retries=0", f"-oAcquire::http::Timeout={TIMEOUT_S:.0f}"]
    options += [f"-oAcquire::https::Timeout={TIMEOUT_S:.0f}", "-oAPT::Update::Error-Mode=any"]
    _command(where, "apt-get", *options, *arguments)


def _command(where: Path, *command: str) -> None:
    try:
        done = subprocess.run(
            command, cwd=where, capture_output=True, text=True, timeout=APT_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"{command[0]} takes longer than {error.timeout:.0f} s") from error
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.startswith(("E:", "W:"))]
        raise SourceError((said or [f"{command[0]} failed: {done.stderr.strip()}"])[0])
