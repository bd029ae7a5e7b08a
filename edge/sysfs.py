"""Small files of /proc, /sys and /etc, read as far as they are there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def text(path: Path) -> str | None:
    """The whole file; None where it is missing, forbidden, or a sensor that is asleep."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def line(path: Path) -> str | None:
    """A file of one line, without the white space and the zero byte around it."""
    return (text(path) or "").strip("\0 \t\n") or None


def number(path: Path) -> float | None:
    """The number that the file begins with."""
    try:
        return float((text(path) or "").split()[0])
    except (IndexError, ValueError):
        return None


def numbers(paths: Iterable[Path]) -> list[float]:
    """The numbers that are there."""
    return [n for n in map(number, paths) if n is not None]
