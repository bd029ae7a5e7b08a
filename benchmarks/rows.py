"""Rows of JSON lines: what benchmarks leave behind."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")
Row: TypeAlias = dict[str, Any]


def read(path: Path) -> list[Row]:
    """All rows of a file; none where there is no file."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


def append(path: Path, row: Row) -> None:
    """Add one row; a kill leaves it whole or not at all, and several processes may append."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(as_lines([row]))
        file.flush()
        os.fsync(file.fileno())


def as_lines(rows: Iterable[Row]) -> str:
    """What `read` reads: one object of JSON a line."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def grouped(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """Rows, or whatever else, by their key, both in the order in which they come."""
    groups: dict[Key, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups
