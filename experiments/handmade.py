"""Families against hand-designed networks: who is better at no more latency."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from benchmarks.rows import Row, grouped
from experiments.hypervolume import Point
from experiments.results import Family

CLOSE = 0.003  # of accuracy: how much worse a member may be
AT_SHARE = 0.5  # that needs at most this share of the latency


@dataclass(frozen=True)
class Handmade:
    """A hand-designed network; accuracy is the mean over its seeds."""

    name: str
    point: Point
    seeds: int
    macs: int
    parameters: int


@dataclass(frozen=True)
class Duel:
    """A member against the best network that is no slower, and the best of all; None where there
    is no such network."""

    member: Point
    no_slower: Handmade | None
    best: Handmade

    @property
    def beats(self) -> bool:
        """Whether nothing that is no slower is as good."""
        return self.no_slower is None or self.member.accuracy > self.no_slower.point.accuracy

    @property
    def is_close(self) -> bool:
        """Whether the member is almost as good as the best of all at half its latency."""
        fast = self.member.latency_ms <= AT_SHARE * self.best.point.latency_ms
        return fast and self.member.accuracy >= self.best.point.accuracy - CLOSE

    @property
    def holds(self) -> bool:
        return self.beats or self.is_close


def handmade(networks: Iterable[Row], latency_ms: Mapping[str, float]) -> list[Handmade]:
    """Those of the rows that have a latency, too; the fastest first."""
    of_references = (row for row in networks if "reference" in row)
    found = [
        Handmade(
            name,
            Point(latency_ms[name], mean(row["test_accuracy"] for row in of)),
            len(of),
            of[0]["macs"],
            of[0]["parameters"],
        )
        for name, of in grouped(of_references, lambda row: row["architecture"]).items()
        if name in latency_ms
    ]
    return sorted(found, key=lambda one: one.point.latency_ms)


def duel(member: Point, references: Sequence[Handmade]) -> Duel:
    """The member against all `references`, one at least."""
    no_slower = [one for one in references if one.point.latency_ms <= member.latency_ms]

    def accuracy(one: Handmade) -> float:
        return one.point.accuracy

    return Duel(member, max(no_slower, key=accuracy, default=None), max(references, key=accuracy))


def duels(families: Sequence[Family], references: Sequence[Handmade]) -> Mapping[float, list[Duel]]:
    """By budget, one for every family. Each member meets the means of the references."""
    if not references:
        return {}
    budgets = dict.fromkeys(budget for family in families for budget in family.by_budget)
    return {
        budget: [duel(family.by_budget[budget], references) for family in families]
        for budget in budgets
    }
