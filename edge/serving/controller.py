"""Which member runs next: down when the budget is in danger, up when it was safe for long.

Nothing here knows of models, threads or clocks: times come in, the number of a rung comes out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from edge.errors import EdgeError
from edge.serving.slowdown import SlowDown

WINDOW = 100  # inferences over which the share of misses is kept
HOLD_S = 30.0  # the longest wait of a better member, after it proved too slow again and again
HEADROOM = 0.10  # share of the budget that a better member must leave

_SHORTEST_HOLD = 1 / 16  # of the longest; it doubles from there
_HOLD_CALLS = 50  # a wrong step up costs some misses: at least so many calls must pay for them
_LEAST_SD = 0.02  # of log latency: a tail that was measured shorter was measured too briefly


class BadLadder(EdgeError, ValueError):
    """Members that cannot be served."""


@dataclass(frozen=True)
class Rung:
    """A member as it was measured: its median, and the upper bound of the percentile."""

    name: str
    accuracy: float
    median_ms: float
    bound_ms: float


@dataclass(frozen=True)
class _Step:
    """A rung in logarithms: how its latency varies, and its room from the median to the budget,
    whole and less the headroom."""

    log_median: float
    sd: float
    room: float
    safe_room: float


def ladder(rungs: Iterable[Rung], budget_ms: float) -> list[Rung]:
    """What is worth running within `budget_ms`, fastest first: every rung is more accurate than all
    faster ones. Empty where nothing fits."""
    worth: list[Rung] = []
    for rung in sorted(rungs, key=lambda r: (r.median_ms, -r.accuracy)):
        fits = rung.bound_ms <= budget_ms
        if fits and (not worth or rung.accuracy > worth[-1].accuracy):
            worth.append(rung)
    return worth


class Controller:
    """Chooses among `rungs`, which are a `ladder`; begins with the last and most accurate one.

    A rung is left when the share of its inferences that exceed `budget_ms` is expected to be above
    that of the `percentile`, averaged over `WINDOW` of them: a slow run or two are within the
    allowance, a board that slows is not. A better rung is entered when it has fitted with
    `headroom` for a while. That while is short at first, doubles up to `hold_s` whenever the step
    up was taken back within `hold_s`, and is short again after one that lasted.
    """

    def __init__(
        self,
        rungs: Sequence[Rung],
        budget_ms: float,
        percentile: float = 95,
        *,
        hold_s: float = HOLD_S,
        headroom: float = HEADROOM,
    ) -> None:
        if not rungs:
            raise BadLadder("no member to serve: give at least one that fits the budget")
        if not 0 <= headroom < 1:
            raise ValueError(f"headroom is {headroom:g}; give a share below 1, as 0.05 for 5 %")
        self.current = len(rungs) - 1
        self.fits = True  # False while not even the fastest rung is expected to keep the budget
        self.slow_down = SlowDown()
        self._allowed = 1 - percentile / 100
        self._quantile = NormalDist().inv_cdf(percentile / 100)
        self._steps = [_step(rung, budget_ms, headroom, self._quantile) for rung in rungs]
        self._risk = 0.0  # the expected share of misses over the window
        self._climb = _Climb(hold_s)

    def observe(self, rung: int, latency_ms: float, now_s: float) -> None:
        """An inference of `rung` took `latency_ms`; choose anew. `now_s` is any monotonic time."""
        step, here = self._steps[rung], self._steps[self.current]
        self.slow_down.observe(math.log(latency_ms) - step.log_median, step.sd)
        self._risk += (self.slow_down.miss(here.room, here.sd) - self._risk) / WINDOW
        if self._risk > self._allowed:
            self._go_down(now_s)
        else:
            self._look_up(now_s)

    def _go_down(self, now_s: float) -> None:
        lower = self.current
        while lower > 0:
            lower -= 1
            step = self._steps[lower]
            if self.slow_down.keeps(step.room, step.sd, self._quantile):
                break
        else:
            self.fits = False
        self.current, self._risk = lower, 0.0
        self._climb.fell(now_s)

    def _look_up(self, now_s: float) -> None:
        best = self.current
        while best + 1 < len(self._steps) and self._safe(best + 1):
            best += 1
        self.fits = self.fits or best > self.current or self._safe(self.current)
        if self._climb.reaches(self.current, best, now_s):
            self.current, self._risk = self._climb.reach, 0.0

    def _safe(self, rung: int) -> bool:
        step = self._steps[rung]
        return self.slow_down.keeps(step.safe_room, step.sd, self._quantile)


class _Climb:
    """When to step up: after `reach` and all below it have fitted for long enough.

    Calls at which they do not fit only count against those at which they do: the estimate of the
    factor trembles, and a member near the budget would never see an unbroken row.
    """

    def __init__(self, longest_s: float) -> None:
        self.reach = 0
        self._longest_s = longest_s
        self._hold_s = longest_s * _SHORTEST_HOLD
        self._since_s = 0.0
        self._calls = 0  # at which a better rung fitted, less those at which none did
        self._entered_s: float | None = None  # when it stepped up last, if it has not fallen since

    def reaches(self, current: int, best: int, now_s: float) -> bool:
        """Whether to step up to `reach` now, where rungs up to `best` fit at this moment."""
        if best == current:
            self._calls = max(0, self._calls - 1)
            return False
        if self._calls == 0:
            self._since_s, self.reach = now_s, best
        self._calls += 1
        self.reach = min(self.reach, best)
        if self._calls < _HOLD_CALLS or now_s - self._since_s < self._hold_s:
            return False
        self._calls, self._entered_s = 0, now_s
        return True

    def fell(self, now_s: float) -> None:
        """A rung was left for a faster one: a step up that did not last makes the next wait."""
        if self._entered_s is not None:
            lasted = now_s - self._entered_s >= self._longest_s
            shortest_s = self._longest_s * _SHORTEST_HOLD
            self._hold_s = shortest_s if lasted else min(self._longest_s, 2 * self._hold_s)
        self._calls, self._entered_s = 0, None


def _step(rung: Rung, budget_ms: float, headroom: float, quantile: float) -> _Step:
    """A rung that left less than twice the headroom when it was measured has to leave half of what
    it left then: otherwise it could never come back."""
    tail = math.log(rung.bound_ms / rung.median_ms)
    room = math.log(budget_ms / rung.median_ms)
    head = min(-math.log1p(-headroom), max(0.0, room - tail) / 2)
    return _Step(math.log(rung.median_ms), max(_LEAST_SD, tail / quantile), room, room - head)
