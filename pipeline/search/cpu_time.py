"""What the phases of a search cost, kills included: methods are compared at equal cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping


class CpuTime:
    """CPU seconds of this process by phase. `clock` gives those it has used."""

    def __init__(self, clock: Callable[[], float] = time.process_time) -> None:
        self._clock, self._last = clock, clock()
        self.spent_s: dict[str, float] = {}

    def lap(self, phase: str) -> None:
        """Give what was used since the last lap to `phase`."""
        now = self._clock()
        self.spent_s[phase] = self.spent_s.get(phase, 0.0) + now - self._last
        self._last = now

    def restore(self, spent_s: Mapping[str, float]) -> None:
        """Go on from what a checkpoint holds; reading it is nobody's work."""
        self.spent_s, self._last = dict(spent_s), self._clock()
