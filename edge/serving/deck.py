"""The members that are loaded: the one that runs, the next faster one, and the one before it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from edge.serving.controller import Rung

_LOADED = 3  # at most

X_in = TypeVar("X_in", contravariant=True)
Y_out = TypeVar("Y_out", covariant=True)
X = TypeVar("X")
Y = TypeVar("Y")
Background = Callable[[Callable[[], None]], object]


class Runner(Protocol[X_in, Y_out]):
    """A member that is loaded and has run once."""

    def prepare(self, x: X_in) -> Any:
        """Everything before the network: not in the latency that was measured."""

    def run(self, prepared: Any) -> tuple[Any, int]:
        """The network: what it gives, and the nanoseconds that it took itself, without the wait
        for other threads that use it."""

    def read(self, outputs: Any) -> Y_out:
        """Everything after it."""


class Deck(Generic[X, Y]):
    """Loads members in the `background`, while a loaded one goes on. Thread-safe.

    Models are let go of, never closed: a call may still be in one. `load` gives a member that has
    run once; what it raises for the `first` one is raised here, and later ends in `problems`.
    """

    def __init__(
        self,
        rungs: Sequence[Rung],
        load: Callable[[Rung], Runner[X, Y]],
        background: Background,
        first: int,
    ) -> None:
        self._rungs, self._load, self._background = rungs, load, background
        self._lock = threading.Lock()
        self._loaded = {first: load(rungs[first])}  # the least recently wanted first
        self._loading: set[int] = set()
        self._problems: dict[int, str] = {}
        self._wanted = first
        self.active = first, self._loaded[first]  # number of a rung, and what runs it

    @property
    def problems(self) -> tuple[str, ...]:
        """Members that would not load, and why. They are not tried again."""
        return tuple(self._problems.values())

    def want(self, rung: int) -> None:
        """Run `rung` as soon as it is loaded, and have the next faster one ready."""
        with self._lock:
            self._wanted = rung
            needed = [n for n in (rung, rung - 1) if n >= 0]
            for number in reversed(needed):
                if number in self._loaded:
                    self._loaded[number] = self._loaded.pop(number)
            missing = [n for n in needed if not self._knows(n)]
            self._loading.update(missing)
            self._settle()
        for number in missing:
            self._background(lambda number=number: self._fetch(number))  # type: ignore[misc]

    def clear(self) -> None:
        """Let go of every member but the active one."""
        with self._lock:
            self._loaded = dict([self.active])

    def _knows(self, rung: int) -> bool:
        return rung in self._loaded or rung in self._loading or rung in self._problems

    def _fetch(self, number: int) -> None:
        try:
            runner = self._load(self._rungs[number])
        except Exception as error:  # whatever a runtime throws: the member that runs goes on
            with self._lock:
                self._loading.discard(number)
                self._problems[number] = f"{self._rungs[number].name}: {error}"
            return
        with self._lock:
            self._loading.discard(number)
            self._loaded[number] = runner
            self._settle()

    def _settle(self) -> None:
        """Run what is wanted, else the best of the faster ones, else the fastest of the others."""
        number = min(self._loaded, key=lambda n: (n > self._wanted, abs(n - self._wanted)))
        self.active = number, self._loaded[number]
        keep = {number, self._wanted, self._wanted - 1}
        for other in [n for n in self._loaded if n not in keep][: len(self._loaded) - _LOADED]:
            del self._loaded[other]
