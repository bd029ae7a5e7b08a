"""The agent's folder: one agent at a time, no leftovers, and a reserve for a full disk."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import sqlite3
import time
from pathlib import Path

from edge.errors import EdgeError
from edge.files import DISK_FULL, remove_leftovers

RESERVE_BYTES = 1 << 20  # lets the spool delete what was acknowledged
_LOCK_TRIES = 5  # `holder` looks at the lock by taking it for a moment
_FULL = DISK_FULL | {errno.EROFS}
_FULL_WORDS = ("disk is full", "readonly database", "unable to open", "disk i/o error")


class StateTaken(EdgeError, RuntimeError):
    """Another agent works in this folder."""


class StateUnusable(EdgeError, OSError):
    """The folder cannot be used at all."""


class DiskFull(EdgeError, OSError):
    """There is too little room to take on more."""


class State:
    """What lies where in `folder`, which is locked as long as this object, a context, is open.

    The lock is the kernel's (flock), on the folder itself: it ends with the process, and needs no
    disk that can be written to. Raises StateTaken or StateUnusable.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spool = folder / "spool.sqlite"
        self.models = folder / "models"
        self.journals = folder / "journals"
        self.inbox = folder / "inbox"
        self.starts = folder / "starts.json"
        self.orders = folder / "orders.json"
        self.status = folder / "status.json"
        self._reserve = folder / "reserve"
        self._handle = _lock(folder)

    def __enter__(self) -> State:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)

    def clean(self) -> None:
        """Remove what a kill left half-written. Raises OSError."""
        for folder in (self.folder, self.journals):
            remove_leftovers(folder)
        for path in (*self.folder.glob("*.part"), *self.models.glob("*.part")):
            path.unlink(missing_ok=True)

    def free_bytes(self) -> int:
        """What the disk has left for us."""
        return shutil.disk_usage(self.folder).free

    def keep_reserve(self) -> None:
        """Set some room aside for bad times. Raises OSError."""
        if not self._reserve.exists():
            part = self.folder / "reserve.part"
            part.write_bytes(bytes(RESERVE_BYTES))
            part.replace(self._reserve)

    def use_reserve(self) -> None:
        """Bad times: give the reserve up for what must be written now."""
        with contextlib.suppress(OSError):
            self._reserve.unlink(missing_ok=True)


def holder(folder: Path) -> str | None:
    """Who works in `folder`: ``process 123``, or ``another process`` where it did not say."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = holder_pid(folder)
        return "another process" if pid is None else f"process {pid}"
    finally:
        os.close(handle)
    return None


def holder_pid(folder: Path) -> int | None:
    """The process id that the last agent in `folder` left."""
    try:
        return int((folder / "agent.pid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def is_full(error: BaseException) -> bool:
    """Whether the disk refuses to be written to: full, over quota, or read-only."""
    if isinstance(error, sqlite3.OperationalError):
        return any(words in str(error).lower() for words in _FULL_WORDS)
    return isinstance(error, DiskFull) or (isinstance(error, OSError) and error.errno in _FULL)


def _lock(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise StateUnusable(
            f"{folder} cannot be used: {error.strerror}: choose another --state"
        ) from error
    for last in (*[False] * (_LOCK_TRIES - 1), True):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError as error:
            if last:
                os.close(handle)
                raise StateTaken(
                    f"{folder} is in use by {holder(folder) or 'another process'}: stop it, or "
                    "give this agent another --state"
                ) from error
            time.sleep(0.05)
    with contextlib.suppress(OSError):  # it only names us
        (folder / "agent.pid").write_text(f"{os.getpid()}\n", encoding="ascii")
    return handle
