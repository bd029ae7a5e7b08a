"""Real members beside real load: all of them run in turns, so that every policy sees each moment.

Serving is the product's own `Server`, with models of its own and its own clock. The fixed members
are timed in the same rounds, in random order; the oracle knows, in hindsight, which member's 95th
percentile kept the budget under each kind of load.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.pick import protocol
from benchmarks.pick.load import beside
from benchmarks.pick.policies import LARGEST, MEAN, ORACLE, PICK, SERVE, Outcome
from benchmarks.pick.results import row
from benchmarks.rows import Row
from edge.device import describe
from edge.errors import EdgeError
from edge.family import Family
from edge.record import Target
from edge.runtimes import Session, get_runtime
from edge.serving.controller import Rung, ladder
from edge.serving.server import Server
from edge.shelf import version_name

PRECISION = "fp32"
_NS_PER_MS = 1e6


class NotMeasured(EdgeError, ValueError):
    """A family that says nothing of this runtime."""


@dataclass
class Network:
    """A member as a server runs it; remembers how long its last inference took."""

    rung: Rung
    session: Session
    last: list[tuple[str, float]]  # one entry: (name, ms) of the last inference of any network
    feeds: Any = field(init=False)

    def __post_init__(self) -> None:
        self.feeds = self.session.feeds(seed=0)
        self.run(None)

    def prepare(self, x: object) -> object:
        return x

    def run(self, prepared: object) -> tuple[object, int]:
        began_ns = time.monotonic_ns()
        outputs = self.session.run(self.feeds)
        took_ns = time.monotonic_ns() - began_ns
        self.last[:] = [(self.rung.name, took_ns / _NS_PER_MS)]
        return outputs, took_ns

    def read(self, outputs: object) -> object:
        return outputs


@dataclass(frozen=True)
class Round:
    """One moment: what serving ran and how long it took, and the time of every member, in ms."""

    load: str
    served: int
    served_ms: float
    members_ms: tuple[float, ...]


def measure(folder: Path, runtime: str, known: Sequence[Row] = ()) -> Iterator[list[Row]]:
    """The rows of a budget of the protocol after the other, which take three minutes each.

    What `known` rows say of the same family on the same device is not measured again. Raises
    NotMeasured.
    """
    family = Family.load(folder)
    wanted = runtime, PRECISION
    target = next((t for t in family.manifest.targets if (t.runtime, t.precision) == wanted), None)
    if target is None:
        raise NotMeasured(f"the family in {folder} was not measured with {runtime} in {PRECISION}")
    members = _rungs(family, target)
    conditions = {
        "family": version_name(family.manifest),
        "device": describe().fingerprint,
        "runtime": runtime,
    }
    for times in protocol.REAL_BUDGETS:
        budget_ms = round(times * max(members, key=lambda m: m.accuracy).bound_ms, 3)
        about = {"budget_ms": budget_ms, **conditions}
        yield [r for r in known if about.items() <= r.items()] or _budget(
            family, target, members, about
        )


def _budget(
    family: Family, target: Target, members: Sequence[Rung], about: Mapping[str, Any]
) -> list[Row]:
    """Measured in this process, which keeps to the last of its cores meanwhile."""
    allowed, budget_ms = os.sched_getaffinity(0), about["budget_ms"]
    *others, ours = sorted(allowed)
    os.sched_setaffinity(0, {ours})
    try:
        rounds = list(_rounds(family, target, members, budget_ms, ours, others))
    finally:
        os.sched_setaffinity(0, allowed)
    return [
        row("real", load, one, **about)
        for load in protocol.LOADS
        for one in judge(members, [r for r in rounds if r.load == load], budget_ms)
    ]


def _rungs(family: Family, target: Target) -> list[Rung]:
    found = []
    for member in family.manifest.members:
        latency = member.latency(target)
        bound_ms = latency.bound_ms(protocol.PERCENTILE) if latency else None
        if latency and bound_ms:
            found.append(Rung(member.name, member.holdout_accuracy, latency.median_ms, bound_ms))
    return found


def _rounds(
    family: Family,
    target: Target,
    members: Sequence[Rung],
    budget_ms: float,
    ours: int,
    others: Sequence[int],
) -> Iterator[Round]:
    last: list[tuple[str, float]] = []
    names = [member.name for member in members]

    def load(rung: Rung) -> Network:
        artifact = family.manifest.member(rung.name).artifact(target)
        assert artifact is not None, rung.name
        session = get_runtime(target.runtime).load(family.path(artifact), target.threads)
        return Network(rung, session, last)

    networks = [load(member) for member in members]
    draws = np.random.default_rng(protocol.LOAD_SEED)
    with Server(ladder(members, budget_ms), load, budget_ms, protocol.PERCENTILE) as server:
        for phase in range(protocol.PHASES):
            kind = str(draws.choice(protocol.LOADS))
            click.echo(
                f"budget {budget_ms} ms, phase {phase + 1}/{protocol.PHASES}: {kind}", err=True
            )
            with beside(kind, ours, others):
                end_s = time.monotonic() + protocol.PHASE_S
                while (began_s := time.monotonic()) < end_s:
                    taken: list[tuple[str, float]] = [("", 0.0)] * (len(members) + 1)
                    for number in draws.permutation(len(members) + 1):
                        if number < len(members):
                            networks[number].run(None)
                        else:
                            server(None)
                        taken[number] = last[0]
                    served, served_ms = taken[-1]
                    members_ms = tuple(ms for _, ms in taken[:-1])
                    yield Round(kind, names.index(served), served_ms, members_ms)
                    time.sleep(max(0.0, protocol.PERIOD_S - (time.monotonic() - began_s)))


def judge(members: Sequence[Rung], rounds: Sequence[Round], budget_ms: float) -> list[Outcome]:
    """The outcomes of every policy in `rounds` of one kind of load."""
    if not rounds:
        return []
    accuracies = np.array([member.accuracy for member in members])
    latency_ms = np.array([one.members_ms for one in rounds])  # (rounds, members)
    fits = np.quantile(latency_ms, protocol.PERCENTILE / 100, axis=0) <= budget_ms
    medians_ms = np.array([member.median_ms for member in members])
    fixed = {
        LARGEST: int(accuracies.argmax()),
        MEAN: int(np.where(medians_ms <= budget_ms, accuracies, -1.0).argmax()),
        PICK: members.index(ladder(members, budget_ms)[-1]),
        ORACLE: int(np.where(fits, accuracies, -1.0).argmax()),
    }
    served = np.array([one.served for one in rounds])
    ran = {SERVE: served, **{name: np.full(len(rounds), n) for name, n in fixed.items()}}
    took_ms = {name: latency_ms[:, n] for name, n in fixed.items()}
    took_ms[SERVE] = np.array([one.served_ms for one in rounds])
    feasible = len(rounds) if fits.any() else 0
    return [
        Outcome(
            policy,
            len(rounds),
            feasible,
            int((took_ms[policy] > budget_ms).sum()) if feasible else 0,
            float(accuracies[numbers].sum()) if feasible else 0.0,
            int(np.count_nonzero(np.diff(numbers))),
        )
        for policy, numbers in ran.items()
    ]
