"""What is compared: serving, three fixed members, and an oracle that knows the factor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.pick import protocol
from benchmarks.pick.scenarios import Floats, Run
from edge.serving.controller import Controller, Rung, ladder

SERVE, LARGEST, MEAN, PICK, ORACLE = "serve", "largest", "mean", "pick", "oracle"
Chosen = npt.NDArray[np.intp]  # (calls,): number of a member


@dataclass(frozen=True)
class Outcome:
    """Of one policy: `misses` and the sum of the `accuracy` of what ran, over the `feasible` calls,
    those at which some member's p95 was within the budget."""

    policy: str
    calls: int
    feasible: int
    misses: int
    accuracy: float
    switches: int

    def __add__(self, other: Outcome) -> Outcome:
        """Both together."""
        return Outcome(
            self.policy,
            self.calls + other.calls,
            self.feasible + other.feasible,
            self.misses + other.misses,
            self.accuracy + other.accuracy,
            self.switches + other.switches,
        )


def compare(members: Sequence[Rung], run: Run, budget_ms: float) -> list[Outcome]:
    """Every policy on the same calls: a member takes as long for one as it does for another."""
    medians_ms = np.array([member.median_ms for member in members])
    accuracies = np.array([member.accuracy for member in members])
    tail = float(np.quantile(run.noise, protocol.PERCENTILE / 100))
    p95_ms = run.factor[:, None] * medians_ms * tail  # (calls, members)
    fits = p95_ms <= budget_ms
    feasible = fits.any(axis=1)
    best = np.where(fits, accuracies, -1.0).argmax(axis=1)
    oracle = np.where(feasible, best, medians_ms.argmin())
    means_ms = medians_ms * run.noise.mean()
    calls = len(run.factor)
    chosen = {
        SERVE: serve(members, run, budget_ms),
        LARGEST: np.full(calls, accuracies.argmax()),
        MEAN: np.full(calls, np.where(means_ms <= budget_ms, accuracies, -1.0).argmax()),
        PICK: np.full(calls, members.index(ladder(members, budget_ms)[-1])),
        ORACLE: oracle,
    }
    latency_ms = run.factor * run.noise  # times the median of what ran
    return [
        Outcome(
            policy,
            calls,
            int(feasible.sum()),
            int((feasible & (medians_ms[ran] * latency_ms > budget_ms)).sum()),
            float(accuracies[ran][feasible].sum()),
            int(np.count_nonzero(np.diff(ran))),
        )
        for policy, ran in chosen.items()
    ]


def serve(members: Sequence[Rung], run: Run, budget_ms: float) -> Chosen:
    """What the controller runs. It sees the latency of what ran, and nothing else."""
    rungs = ladder(members, budget_ms)
    numbers = [members.index(rung) for rung in rungs]
    control = Controller(rungs, budget_ms, protocol.PERCENTILE)
    slower: Floats = run.factor * run.noise
    chosen = np.empty(len(slower), dtype=np.intp)
    for call, times in enumerate(slower.tolist()):
        rung = control.current
        chosen[call] = numbers[rung]
        control.observe(rung, rungs[rung].median_ms * times, call / run.rate_hz)
    return chosen
