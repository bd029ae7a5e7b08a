"""What a benchmark aims at, and whether it is met, as a line."""

from __future__ import annotations


def bar(holds: bool, what: str, limit: float, unit: str, word: str = "at most") -> str:
    """``holds  WHAT, at most LIMIT UNIT``, or FAILS."""
    return f"{'holds' if holds else 'FAILS'}  {what}, {word} {limit:g} {unit}"
