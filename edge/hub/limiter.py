"""How often a device may call, and how many of its calls may be under way at a time."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from edge.hub.errors import TooOften


class Limiter:
    """A token bucket for each: lets `at_once` calls through, and `per_s` a second from then on.

    In memory: a hub that was started again has forgiven.
    """

    def __init__(self, per_s: float, at_once: int, monotonic_s: Callable[[], float]) -> None:
        self._per_s = per_s
        self._at_once = float(at_once)
        self._monotonic_s = monotonic_s
        self._buckets: dict[int, tuple[float, float]] = {}  # caller -> calls left, since when
        self._lock = threading.Lock()

    def wait_s(self, caller: int) -> float:
        """0 where `caller` may call now, which counts; else in how many seconds it may."""
        now_s = self._monotonic_s()
        with self._lock:
            left, since_s = self._buckets.get(caller, (self._at_once, now_s))
            left = min(self._at_once, left + (now_s - since_s) * self._per_s)
            allowed = left >= 1
            self._buckets[caller] = (left - 1 if allowed else left, now_s)
        return 0.0 if allowed else (1 - left) / self._per_s


class Turns:
    """Lets `most` calls of a caller be under way at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._under_way: Counter[int] = Counter()

    @contextmanager
    def taken(self, caller: int) -> Iterator[None]:
        """While a call of `caller` is under way; from one thread only. Raises TooOften."""
        if self._under_way[caller] >= self._most:
            raise TooOften(
                f"{self._most} of these calls are under way: wait as long as Retry-After says", 1.0
            )
        self._under_way[caller] += 1
        try:
            yield
        finally:
            self._under_way[caller] -= 1
