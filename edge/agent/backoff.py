"""How long to leave a hub alone that does not answer."""

from __future__ import annotations

import random

FIRST_S = 5.0
MOST_S = 900.0
_MAX_RETRY_AFTER_S = 3600.0  # a hub must not put an agent to sleep for ever


class Backoff:
    """Waits of 5 s to 15 min with full jitter: boards that lost their hub together come back apart.

    Full jitter: uniform between 0 and the exponential wait (M. Brooker, "Exponential Backoff and
    Jitter", 2015). What the hub asks for in Retry-After is the least, and jitter comes on top.
    """

    def __init__(
        self, rng: random.Random, first_s: float = FIRST_S, most_s: float = MOST_S
    ) -> None:
        self._rng = rng
        self._first_s = first_s
        self._most_s = most_s
        self._failures = 0

    @property
    def failures(self) -> int:
        """In a row, so far."""
        return self._failures

    def failed(self, retry_after_s: float | None = None) -> float:
        """Seconds to wait after one more failure."""
        ceiling_s = min(self._most_s, self._first_s * 2 ** min(self._failures, 32))
        self._failures += 1
        least_s = min(retry_after_s or 0.0, _MAX_RETRY_AFTER_S)
        return least_s + self._rng.uniform(0, ceiling_s)

    def succeeded(self) -> None:
        self._failures = 0
