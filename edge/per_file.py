"""What is worked out of a file, once while the file stays the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

_SETTLED_NS = 100_000_000  # a file system may give two changes within a few ms one time


class Stamp(NamedTuple):
    """What differs after a file was written to or replaced."""

    device: int
    inode: int
    size_bytes: int
    modified_ns: int
    changed_ns: int  # nobody can set it back


class PerFile(Generic[T]):
    """`read` as a function that reads a file again only when its stamp has changed.

    Any number of threads may call it; two may read the same file at once.
    """

    def __init__(self, read: Callable[[Path], T], clock: Callable[[], int] = time.time_ns) -> None:
        self._read, self._clock = read, clock
        self._known: dict[Path, tuple[Stamp, T]] = {}

    def __call__(self, path: Path) -> T:
        """Raises OSError where there is no such file, and what `read` raises."""
        stamp = _stamp(path)
        known = self._known.get(path)
        if known and known[0] == stamp:
            return known[1]
        found = self._read(path)
        if self._clock() - stamp.changed_ns > _SETTLED_NS:
            self._known[path] = stamp, found
        return found


def _stamp(path: Path) -> Stamp:
    of = path.stat()
    return Stamp(of.st_dev, of.st_ino, of.st_size, of.st_mtime_ns, of.st_ctime_ns)
