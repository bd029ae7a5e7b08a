"""Steps on stderr: a bar on a terminal, one line per task elsewhere.

The bar is drawn between two steps and never by a thread of its own: what is shown must not
disturb what is measured.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TextIO

_BAR = 40  # columns
_ERASE = "\r\x1b[2K"


class Steps:
    """Called with (task, steps done, steps in all); a new name is a new task."""

    def __init__(
        self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._draws = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._began_s: dict[str, float] = {}

    def __enter__(self) -> Steps:
        return self

    def __exit__(self, *_: object) -> None:
        if self._draws and self._began_s:
            self._say(_ERASE)

    def __call__(self, task: str, done: int, of: int) -> None:
        began = task in self._began_s
        passed_s = self._clock() - self._began_s.setdefault(task, self._clock())
        if self._draws:
            self._say(f"{_ERASE}{bar(task, done, of, passed_s)}")
        elif not began:
            self._say(f"{task} ...\n")

    def _say(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def bar(task: str, done: int, of: int, passed_s: float) -> str:
    """One line: how much is done, and how long the rest will take at that pace."""
    full = _BAR * done // of if of else _BAR
    left_s = round(passed_s * (of - done) / done) if done else None
    left = (
        "-:--:--" if left_s is None else f"{left_s // 3600}:{left_s // 60 % 60:02}:{left_s % 60:02}"
    )
    return f"{task} {'━' * full}{'─' * (_BAR - full)} {done}/{of} {left}"
