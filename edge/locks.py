"""One process at a time: a lock of the kernel's, which ends with the process that holds it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from edge.errors import EdgeError


class Locked(EdgeError, BlockingIOError):
    """Another process works in the same place."""


@contextmanager
def locked(path: Path, work: str) -> Iterator[None]:
    """Hold the lock of some `work`: a file at `path`, which names this process and then goes.

    What a killed holder left there hinders nobody. Raises Locked, which names the process that
    holds it, and OSError where the file cannot be made.
    """
    with _held(path, work) as file:
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _held(path: Path, work: str) -> TextIO:
    """The file at `path`, with the lock on it."""
    while True:
        file = path.open("a+", encoding="ascii", errors="replace")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            with file:
                file.seek(0)
                holder = file.read().strip() or "unknown"
            raise Locked(
                f"process {holder} is already at work on {work} here ({path}); wait for it or "
                f"end it: kill {holder}"
            ) from error
        if _lies_at(path, file):
            return file
        file.close()  # its holder removed it meanwhile: the next one would make another


def _lies_at(path: Path, file: TextIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
