"""How much slower the board is than when its models were measured: one factor for all of them.

A board that throttles, or shares its cores, slows every model by about the same factor (Wan et
al., ALERT: Accurate Learning for Energy and Timeliness, USENIX ATC 2020). Its logarithm x walks at
random, and every inference is one look at it:

    z = log(measured / expected) = x + noise

where the noise has the standard deviation that the model had when it was measured, times a spread
that is learned. Plain floats throughout: an update takes about two microseconds.
"""

from __future__ import annotations

import math

_SQRT_2 = math.sqrt(2)
_WALK_VARIANCE = 1e-4  # of x between two inferences on a quiet board: 1 %
_JUMP_MEMORY = 0.7  # of the process noise, as in ALERT: a jump is believed for a few inferences
_START_VARIANCE = 0.01  # of x: the board is within 10 % of what was measured, most likely
_OUTLIER_SDS = 3.0  # beyond: a run that was interrupted, until a second one says the same
_SPREAD_MEMORY = 0.98  # noise is judged by the last fifty inferences or so
_MAX_SPREAD = 9.0  # of the variance: beyond, it is the factor that jumps


class SlowDown:
    """A Kalman filter for x = log(factor).

    The process noise follows the steps of the filter, so that a jump is followed within some ten
    inferences and a steady factor is averaged over more. A single outlier counts as one of
    `_OUTLIER_SDS`.
    """

    __slots__ = ("_outlier", "_spread", "_variance", "_walk", "log_factor")

    def __init__(self) -> None:
        self.log_factor = 0.0
        self._variance = _START_VARIANCE
        self._walk = _WALK_VARIANCE
        self._spread = 1.0
        self._outlier = 0.0  # the sign of the last surprise, where that was an outlier

    @property
    def factor(self) -> float:
        """How many times slower than measured; 1 is as measured."""
        return math.exp(self.log_factor)

    def observe(self, log_ratio: float, sd: float) -> None:
        """An inference took exp(`log_ratio`) times the median of its model, the logarithm of whose
        times had the standard deviation `sd` when it was measured."""
        noise = self._spread * sd * sd
        predicted = self._variance + self._walk
        total = predicted + noise
        surprise = log_ratio - self.log_factor
        limit = _OUTLIER_SDS * math.sqrt(total)
        outlier = math.copysign(1.0, surprise) if abs(surprise) > limit else 0.0
        if outlier and outlier != self._outlier:
            surprise = outlier * limit
        self._outlier = outlier
        gain = predicted / total
        step = gain * surprise
        self.log_factor += step
        self._variance = (1 - gain) * predicted
        self._walk = max(_WALK_VARIANCE, _JUMP_MEMORY * self._walk + (1 - _JUMP_MEMORY) * step**2)
        seen = min(_MAX_SPREAD, surprise * surprise / (sd * sd))
        self._spread = max(1.0, _SPREAD_MEMORY * self._spread + (1 - _SPREAD_MEMORY) * seen)

    def miss(self, log_room: float, sd: float) -> float:
        """The probability that a model takes more than exp(`log_room`) times its median next."""
        return 0.5 * math.erfc((log_room - self.log_factor) / (_SQRT_2 * self._total_sd(sd)))

    def keeps(self, log_room: float, sd: float, quantile: float) -> bool:
        """Whether `miss` is at most that of the normal `quantile`, 1.645 for 5 %; half as dear."""
        return log_room - self.log_factor >= quantile * self._total_sd(sd)

    def _total_sd(self, sd: float) -> float:
        return math.sqrt(self._variance + self._walk + self._spread * sd * sd)
