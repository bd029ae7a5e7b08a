"""Progress on stderr: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

_LINE_S = 15.0
_DRAW_S = 0.2
_BAR = 20


class Progress:
    """Counts up to `total`; `update` may add a short text such as the current loss.

    Counting to one tells nothing: without a text, nothing is shown.
    """

    def __init__(
        self,
        label: str,
        total: int,
        *,
        start: int = 0,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._label, self._total, self._start, self._done = label, total, start, start
        self._stream = stream or sys.stderr
        self._clock = clock
        self._began = clock()
        self._shown = self._began if not self._stream.isatty() else float("-inf")
        self._text = ""

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._total == 1 and not self._text:
            return
        self._show()
        if self._stream.isatty():
            self._stream.write("\n")

    def update(self, done: int, text: str = "") -> None:
        """Say that `done` of the total are finished."""
        self._done, self._text = done, text
        interval = _DRAW_S if self._stream.isatty() else _LINE_S
        if done < self._total and self._clock() - self._shown >= interval:
            self._show()

    def advance(self, text: str = "") -> None:
        """One more is finished."""
        self.update(self._done + 1, text)

    def say(self, line: str) -> None:
        """A line of its own, which stays."""
        clear = f"\r{'':<79}\r" if self._stream.isatty() else ""
        self._stream.write(f"{clear}{line}\n")
        self._stream.flush()

    def _show(self) -> None:
        self._shown = self._clock()
        share = self._done / self._total if self._total else 1.0
        elapsed = self._shown - self._began
        numbers = f"{self._done}/{self._total} {_duration(elapsed)}"
        if self._start < self._done < self._total:
            left = elapsed * (self._total - self._done) / (self._done - self._start)
            numbers += f", {_duration(left)} left"
        if self._stream.isatty():
            filled = "█" * round(_BAR * share)
            line = f"{self._label:<10.10} {filled:·<{_BAR}} {numbers}  {self._text}"
            self._stream.write(f"\r{line:<79.79}")
        else:
            self._stream.write(f"{self._label}: {numbers}  {self._text}".rstrip() + "\n")
        self._stream.flush()


@contextmanager
def watched(look: Callable[[], None], every_s: float = 5.0) -> Iterator[None]:
    """Call `look` now and then while the block runs: progress of what runs in other processes."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(every_s):
            look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
