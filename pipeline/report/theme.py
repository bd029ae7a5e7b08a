"""Colours, one list for drawings and style sheet, and how each operation looks everywhere.

Every colour has a light and a dark value that stand out from their background by 3:1 or more.
Hues follow Okabe & Ito's colour-blind-safe set; no reader needs them: operations also differ by
marker, and are named in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.spec import NONE, SKIP


@dataclass(frozen=True)
class Colour:
    """A custom property of the style sheet; drawings use its light value, which becomes `var`."""

    name: str
    light: str
    dark: str

    @property
    def var(self) -> str:
        return f"var(--{self.name})"


PAPER = Colour("paper", "#ffffff", "#15181c")
INK = Colour("ink", "#1b1f24", "#e8ebee")
MUTED = Colour("muted", "#59626d", "#a4aeb9")
GRID = Colour("grid", "#dde2e7", "#353c45")
SEARCH = Colour("search", "#0b62b0", "#6db3f2")
CONTROL = Colour("control", "#b0570a", "#f2a153")

GREY = Colour("op-skip", "#757b82", "#98a1ab")
HUES = (
    Colour("op-1", "#0072b2", "#56b4e9"),
    Colour("op-2", "#b86e00", "#e69f00"),
    Colour("op-3", "#00795a", "#2cc295"),
    Colour("op-4", "#a8427f", "#e08dbe"),
    Colour("op-5", "#c4420a", "#ff8450"),
    Colour("op-6", "#4b3a9e", "#aa9cf2"),
    Colour("op-7", "#6b6400", "#d9cd3f"),
)
MARKERS = ("s", "^", "D", "v", "P", "X", "<", ">", "p", "h")
COLOURS = (PAPER, INK, MUTED, GRID, SEARCH, CONTROL, GREY, *HUES)


@dataclass(frozen=True)
class Look:
    """How an operation is drawn."""

    colour: Colour
    marker: str


_EMPTY = {SKIP: Look(GREY, "o"), NONE: Look(GREY, "d")}  # what computes nothing


def looks(operations: Sequence[str]) -> dict[str, Look]:
    """The look of every operation; what computes nothing is grey."""
    others = [operation for operation in operations if operation not in _EMPTY]
    found = {
        operation: Look(HUES[i % len(HUES)], MARKERS[i % len(MARKERS)])
        for i, operation in enumerate(others)
    }
    empty = {op: look for op, look in _EMPTY.items() if op == SKIP or op in operations}
    return empty | found
