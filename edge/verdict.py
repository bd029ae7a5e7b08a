"""Whether a measurement can be trusted, and why not.

The spread is judged robustly: on a shared machine one run in a thousand takes ten times as
long without moving the median, and must not condemn it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from edge.record import Conditions, Verdict
from edge.sensors import MAX_OTHER_CPU_LOAD

MIN_BLOCKS = 3
MIN_RUNS = 150  # three blocks of 50
MAX_BLOCK_DIFFERENCE = 0.05
MAX_CV = 0.10
MAX_CLOCK_DROP = 0.03
MAX_TEMPERATURE_RISE_C = 10.0

_MAD_TO_SD = 1.4826  # of a normal distribution


def judge(
    samples_ns: Sequence[Sequence[int]], conditions: Conditions
) -> tuple[Verdict, tuple[str, ...]]:
    """(verdict, reasons): ``invalid`` is no latency of this target, ``suspect`` a doubtful one.

    ``clean-unverified`` where nothing speaks against it but sensors are missing.
    """
    invalid = tuple(_invalid(samples_ns, conditions))
    suspect = tuple(_suspect(samples_ns, conditions))
    if invalid:
        return "invalid", invalid + suspect
    if suspect:
        return "suspect", suspect
    return ("clean" if _verified(conditions) else "clean-unverified"), ()


def block_difference(samples_ns: Sequence[Sequence[int]]) -> float:
    """How far the block medians lie from their own median, relative to it.

    The largest distance; with five blocks or more the second largest, since one disturbed
    block moves neither the median nor, by much, its interval.
    """
    medians = np.array([np.median(block) for block in samples_ns])
    centre = np.median(medians)
    distances = np.sort(np.abs(medians - centre) / centre)
    return float(distances[-2 if len(distances) >= 5 else -1])


def robust_cv(samples_ns: Sequence[Sequence[int]]) -> float:
    """The coefficient of variation with median and MAD in place of mean and deviation.

    1.4826 times the median absolute deviation over the median (Rousseeuw & Croux, JASA 88,
    1993): half of all runs would have to be slow to move it freely.
    """
    runs = np.concatenate([np.asarray(block, dtype=np.float64) for block in samples_ns])
    median = np.median(runs)
    return float(_MAD_TO_SD * np.median(np.abs(runs - median)) / median)


def _invalid(samples_ns: Sequence[Sequence[int]], conditions: Conditions) -> Iterator[str]:
    if conditions.throttled:
        yield "the device throttled"
    drop = _clock_drop(conditions)
    if drop is not None and drop > MAX_CLOCK_DROP:
        yield f"the clock dropped by {drop:.1%}"
    if len(samples_ns) < MIN_BLOCKS:
        yield f"too few blocks of runs: {len(samples_ns)} of {MIN_BLOCKS}"


def _suspect(samples_ns: Sequence[Sequence[int]], conditions: Conditions) -> Iterator[str]:
    runs = sum(map(len, samples_ns))
    if runs < MIN_RUNS:
        yield f"too few runs: {runs} of {MIN_RUNS}"
    difference = block_difference(samples_ns)
    if difference > MAX_BLOCK_DIFFERENCE:
        yield f"block medians differ by {difference:.1%}"
    cv = robust_cv(samples_ns)
    if cv > MAX_CV:
        yield f"runs vary by {cv:.1%}"
    load = conditions.other_cpu_load
    if load is not None and load > MAX_OTHER_CPU_LOAD:
        yield f"others used {load:.1%} of the CPU"
    rise_c = _temperature_rise_c(conditions)
    if rise_c is not None and rise_c > MAX_TEMPERATURE_RISE_C:
        yield f"the temperature rose by {rise_c:.1f} °C"


def _verified(conditions: Conditions) -> bool:
    """Whether the sensors that could have told against the measurement were there."""
    seen = (_clock_drop(conditions), _temperature_rise_c(conditions), conditions.other_cpu_load)
    return None not in seen


def _clock_drop(conditions: Conditions) -> float | None:
    before, after = conditions.clock_mhz_before, conditions.clock_mhz_after
    return None if not before or after is None else 1 - after / before


def _temperature_rise_c(conditions: Conditions) -> float | None:
    before, after = conditions.temperature_c_before, conditions.temperature_c_after
    return None if before is None or after is None else after - before
