"""How good a family is, as one number: the area under its accuracy over log latency."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple


class Point(NamedTuple):
    """A trained, measured network."""

    latency_ms: float
    accuracy: float


def hypervolume(family: Iterable[Point], span_ms: tuple[float, float], floor: float) -> float:
    """Mean over log latency, from one end of `span_ms` to the other, of what the best network
    that is fast enough has above `floor`: between 0 and 1 - floor.

    Where no network is fast enough, or the best one is below the floor, nothing is counted.
    """
    low, high = map(math.log, span_ms)
    area, height, at = 0.0, 0.0, low
    for point in sorted(family):
        until = min(max(math.log(point.latency_ms), low), high)
        area += height * (until - at)
        at, height = until, max(height, point.accuracy - floor)
    area += height * (high - at)
    return area / (high - low)
