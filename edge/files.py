"""Whole files: hashed by content, replaced in one step, and rows as the text of one."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

DISK_FULL = {errno.ENOSPC, errno.EDQUOT}

_CHUNK_BYTES = 1 << 20


def sha256_of(path: Path) -> str:
    """64 hex digits of the content of `path`. Raises OSError where it cannot be read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def csv_text(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Rows as CSV; None is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()


def write_atomic(path: Path, content: str | bytes) -> None:
    """Replace `path` by `content` (text is UTF-8), as `replacing` does."""
    with replacing(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """What is written to the file it gives replaces `path`: a reader sees the old file or the new.

    Makes the folder where it is missing; the new file has the permissions of the old one, or
    those that the umask gives. Raises OSError and leaves `path` as it was where the disk refuses;
    so it is left after any other error inside. Of a full disk the error names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with full_disk_names(path), os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_mode_for(path))  # mkstemp makes files that only their owner can read
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@contextmanager
def full_disk_names(path: Path) -> Iterator[None]:
    """An OSError of a full disk inside names `path`, the file or folder that is being written: a
    write knows no names, and a copy names the file that it reads first."""
    try:
        yield
    except OSError as error:
        copied = error.filename2 is not None
        if error.errno in DISK_FULL and (error.filename is None or copied):
            error.filename = str(path)
            del error.filename2  # None would be shown
        raise


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files that `write_atomic` left in `folder` when it was killed.

    For places that one process at a time writes to: another one's file would be lost.
    """
    for path in folder.glob(".*.????????.tmp"):
        path.unlink(missing_ok=True)


def _mode_for(path: Path) -> int:
    if path.exists():
        return path.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def sync_file(path: Path) -> None:
    """What others wrote to `path` reaches the disk. Raises OSError."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """A rename inside `folder` must itself reach the disk, or a power cut undoes it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
