"""Rows of JSON lines: what benchmarks leave behind."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

Key = TypeVar("Key", bound=Hashable)
Row: TypeAlias = dict[str, Any]


def read(path: Path) -> list[Row]:
    """All rows of a file; none where there is no file."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


def as_lines(rows: Iterable[Row]) -> str:
    """What `read` reads: one object of JSON a line."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def grouped(rows: Iterable[Row], key: Callable[[Row], Key]) -> dict[Key, list[Row]]:
    """The rows by their key, both in the order in which they come."""
    groups: dict[Key, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups
