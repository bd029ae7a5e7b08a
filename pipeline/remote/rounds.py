"""How often an order was carried out and its records were taken.

An order is known by its content, so that one that was interrupted is not measured again. One that
is over must not answer for a later call of the stage, which is to measure anew: it has another
round.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.files import write_atomic

KIND = "remote"  # in the store


@dataclass(frozen=True)
class Round:
    """The round of the order called `name`; `path` remembers how many are over."""

    path: Path
    number: int

    @classmethod
    def read(cls, store: Path, name: str) -> Round:
        """The one that is under way; 0 where nothing, or nothing sensible, is remembered."""
        path = store / KIND / f"{name}.round"
        try:
            text = path.read_text(encoding="ascii").strip()
        except (FileNotFoundError, UnicodeDecodeError):
            return cls(path, 0)
        return cls(path, int(text) if text.isdecimal() else 0)

    def end(self) -> None:
        """The next one begins; ending it again changes nothing."""
        write_atomic(self.path, f"{self.number + 1}\n")
