"""Made-up boards: how many times slower than measured they are at every call, and the noise."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.pick import protocol

Floats = npt.NDArray[np.float64]
Scenario = Callable[[np.random.Generator, int, float], Floats]


@dataclass(frozen=True)
class Run:
    """Calls one after the other: `factor` is what an oracle knows, `noise` is the luck of a run;
    a member takes median × factor × noise."""

    rate_hz: float
    factor: Floats  # (calls,)
    noise: Floats  # (calls,)


def steady(rng: np.random.Generator, calls: int, rate_hz: float) -> Floats:
    """The board stays as it was measured."""
    return np.ones(calls)


def steps(rng: np.random.Generator, calls: int, rate_hz: float) -> Floats:
    """Another clock every half to three minutes."""
    factor, at = np.ones(calls), 0
    while at < calls:
        end = at + math.ceil(rng.uniform(30, 180) * rate_hz)
        factor[at:end] = rng.uniform(1, protocol.MOST)
        at = end
    return factor


def ramps(rng: np.random.Generator, calls: int, rate_hz: float) -> Floats:
    """From one clock to the next within one to four minutes."""
    seconds = np.cumsum(np.append(0.0, rng.uniform(60, 240, math.ceil(calls / rate_hz / 60) + 1)))
    levels = np.append(1.0, rng.uniform(1, protocol.MOST, len(seconds) - 1))
    factor: Floats = np.interp(np.arange(calls) / rate_hz, seconds, levels)
    return factor


def bursts(rng: np.random.Generator, calls: int, rate_hz: float) -> Floats:
    """Something else runs for a third of a second to five seconds, about every twenty."""
    factor = np.ones(calls)
    at_s = 0.0
    while (at_s := at_s + rng.exponential(20)) < calls / rate_hz:
        lasts_s = rng.uniform(0.3, 5)
        first, last = round(at_s * rate_hz), round((at_s + lasts_s) * rate_hz)
        factor[first:last] = rng.uniform(1.2, protocol.MOST)
        at_s += lasts_s
    return factor


def thermal(rng: np.random.Generator, calls: int, rate_hz: float) -> Floats:
    """It heats up, is throttled ever more, cools down fast, and heats up again."""
    period_s, most = rng.uniform(60, 180), rng.uniform(1.3, protocol.MOST)
    phase = (np.arange(calls) / rate_hz + rng.uniform(0, period_s)) % period_s / period_s
    heat: Floats = np.where(phase < 0.8, phase / 0.8, (1 - phase) / 0.2)
    return 1 + (most - 1) * heat


SCENARIOS: dict[str, Scenario] = {
    "steady": steady,
    "spikes": steady,
    "steps": steps,
    "ramps": ramps,
    "bursts": bursts,
    "thermal": thermal,
}


def draw(name: str, seed: int, rate_hz: float, seconds: float) -> Run:
    """A run of scenario `name`: the same for the same arguments."""
    rng = np.random.default_rng([seed, list(SCENARIOS).index(name), round(rate_hz)])
    calls = round(rate_hz * seconds)
    factor = SCENARIOS[name](rng, calls, rate_hz) * np.exp(_drift(rng, calls, rate_hz))
    body = rng.normal(0, protocol.BODY_SD, calls)
    slow = _slow_runs(rng, calls, *(protocol.SPIKES if name == "spikes" else protocol.SLOW_RUNS))
    return Run(rate_hz, factor, np.exp(body) * slow)


def _drift(rng: np.random.Generator, calls: int, rate_hz: float) -> Floats:
    """Of log latency: an autoregressive process of the first order."""
    memory = math.exp(-1 / (rate_hz * protocol.DRIFT_S))
    pushes = rng.normal(0, protocol.DRIFT_SD * math.sqrt(1 - memory**2), calls)
    drift, value = np.empty(calls), 0.0
    for call, push in enumerate(pushes.tolist()):
        value = memory * value + push
        drift[call] = value
    return drift


def _slow_runs(
    rng: np.random.Generator, calls: int, often: float, length: float, least: float, most: float
) -> Floats:
    """What slow runs multiply latency by; they come a few in a row."""
    slow = np.zeros(calls, dtype=bool)
    for start in np.flatnonzero(rng.random(calls) < often):
        slow[start : start + rng.geometric(1 / length)] = True
    return np.where(slow, rng.uniform(least, most, calls), 1.0)
