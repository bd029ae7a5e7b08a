"""Cells as families of trained, measured networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from benchmarks.rows import Row, grouped
from experiments.hypervolume import Point, hypervolume
from experiments.settings import Settings


@dataclass(frozen=True)
class Family:
    """What one arm found with one seed: by budget, a network as it was trained, at its latency."""

    arm: str
    seed: int
    cpu_s: Mapping[str, float]  # by phase: warm_up, joint, extract
    by_budget: Mapping[float, Point]
    met: frozenset[float]  # the budgets that are predicted to be kept
    distinct: int  # networks among the members
    distinct_argmax: int
    swaps: int

    @property
    def total_s(self) -> float:
        """CPU seconds of search and extraction."""
        return sum(self.cpu_s.values())

    def hypervolume(self, settings: Settings) -> float:
        """See `experiments.hypervolume`."""
        return hypervolume(self.by_budget.values(), settings.span_ms, settings.floor)


def families(
    cells: Iterable[Row], networks: Iterable[Row], latency_ms: Mapping[str, float]
) -> list[Family]:
    """The cells of which every member was trained and has a latency."""
    accuracy = {(row["architecture"], row["seed"]): row["test_accuracy"] for row in networks}
    found = []
    for cell in cells:
        keys = {m["budget_ms"]: m["architecture"] for m in cell["members"]}
        if not all((k, cell["seed"]) in accuracy and k in latency_ms for k in keys.values()):
            continue
        points = {b: Point(latency_ms[k], accuracy[k, cell["seed"]]) for b, k in keys.items()}
        found.append(
            Family(
                arm=cell["arm"],
                seed=cell["seed"],
                cpu_s={p: cell[f"cpu_s_{p}"] for p in ("warm_up", "joint", "extract")},
                by_budget=points,
                met=frozenset(m["budget_ms"] for m in cell["members"] if m["fits"]),
                distinct=len(set(keys.values())),
                distinct_argmax=cell["distinct_argmax"],
                swaps=sum({m["architecture"]: m["swaps"] for m in cell["members"]}.values()),
            )
        )
    return found


def by_arm(found: Sequence[Family]) -> dict[str, list[Family]]:
    """The families of every arm, in the order of the rows."""
    return grouped(found, lambda family: family.arm)


def hypervolumes(found: Iterable[Family], settings: Settings) -> dict[int, float]:
    """Of one arm, by seed."""
    return {family.seed: family.hypervolume(settings) for family in found}


def shared_seeds(found: Sequence[Family]) -> list[int]:
    """The seeds that every arm has."""
    seeds = [{family.seed for family in of_arm} for of_arm in by_arm(found).values()]
    return sorted(set.intersection(*seeds)) if seeds else []


def regrets(found: Sequence[Family], settings: Settings) -> dict[str, float]:
    """By arm: how far its hypervolume is below the best one of the same seed, relative to that, on
    average over the shared seeds: in the others there are fewer to be worse than. Empty without."""
    seeds = shared_seeds(found)
    if not seeds:
        return {}
    volumes = {arm: hypervolumes(of_arm, settings) for arm, of_arm in by_arm(found).items()}
    best = {seed: max(of_arm[seed] for of_arm in volumes.values()) for seed in seeds}
    return {
        arm: mean((best[seed] - of_arm[seed]) / (best[seed] or 1) for seed in seeds)
        for arm, of_arm in volumes.items()
    }
