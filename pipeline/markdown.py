"""Markdown of data: names that are shown as they are, and tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def escape(text: str) -> str:
    """Text as Markdown that shows just this; a name may hold anything."""
    return re.sub(r"([\\*\[\]<|])", r"\\\1", text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], names: int = 1) -> str:
    """A heading and a line per row: `names` columns of text to the left, then numbers."""
    rule = ["---"] * names + ["--:"] * (len(head) - names)
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, rule, *rows])
