"""The curves of a search over its steps, as DVCLive files that outlive a kill.

DVC removes the curves of a killed search with its other outputs, so that the checkpoint holds
them too, and a search that goes on draws them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dvclive.live import Live

Point = tuple[int, dict[str, float]]  # step: numbers


class Curves:
    """Points that are logged as they come."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.points: list[Point] = []

    def add(self, step: int, numbers: Mapping[str, float]) -> None:
        """Log the numbers of one step."""
        self._log(step, numbers)
        self.live.sync()  # type: ignore[no-untyped-call]

    def restore(self, points: Iterable[Point]) -> None:
        """Log again what a checkpoint holds."""
        for step, numbers in points:
            self._log(step, numbers)
        if self.points:
            self.live.sync()  # type: ignore[no-untyped-call]

    def _log(self, step: int, numbers: Mapping[str, float]) -> None:
        self.points.append((step, dict(numbers)))
        self.live.step = step
        for name, value in numbers.items():
            self.live.log_metric(name, value)
