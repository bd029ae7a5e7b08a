"""Regularised evolution (Real et al., 2019) over the shared weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.spaces import Choices, Space
from pipeline.search.estimators.prepared import spread_path
from pipeline.search.methods.base import Setting, Step, method
from pipeline.search.methods.per_price import PerPrice
from pipeline.search.objective import Costs, expected_latency_ms, one_hot
from pipeline.search.prices import extreme, latency_ms, look
from pipeline.seeds import rng


@dataclass
class Population:
    """Networks and their accuracies, the oldest first, and the best that ever lived."""

    size: int
    tournament: int
    alive: list[tuple[Choices, float]] = field(default_factory=list)
    best: tuple[Choices, float] | None = None

    @property
    def full(self) -> bool:
        return len(self.alive) >= self.size

    def parent(self, draws: np.random.Generator) -> Choices:
        """The best of a tournament among different members."""
        entrants = draws.choice(len(self.alive), self.tournament, replace=False)
        return max([self.alive[int(i)] for i in entrants], key=lambda one: one[1])[0]

    def add(self, choices: Choices, accuracy: float) -> None:
        """A new member; where there are too many, the oldest goes, however good it is."""
        self.alive.append((choices, accuracy))
        if len(self.alive) > self.size:
            del self.alive[0]
        if self.best is None or accuracy > self.best[1]:
            self.best = (choices, accuracy)


@method("evolution")
class Evolution(PerPrice):
    """One population per price, below a limit of latency in the place of the price: the limits
    are spread over what the space reaches in log latency, the highest price has the lowest.

    Accuracy is that of the shared weights, which learn along paths of the warm-up (Guo et al.,
    2020, SPOS), on training images that these do not see. Half of α is the best network, the
    other half what lives at the end, so that its argmax is the best and its samples are relatives.
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        options = setting.params.evolution
        self.costs = setting.costs.to(torch.device("cpu"))
        self.limits_ms = limits_ms(setting.space, self.costs, len(self.prices))
        self.populations = [Population(options.population, options.tournament) for _ in self.prices]

    def step(self) -> Step:
        """Judge some networks of the search whose turn it is."""
        search, _, _ = self.turn
        setting, options = self.setting, self.setting.params.evolution
        population, limit_ms = self.populations[search], self.limits_ms[search]
        draws = rng(setting.params.seed, "evolution", self.done)
        losses, hits = [], []
        for _ in range(options.networks):
            choices = self._next(population, limit_ms, draws)
            loss, hit = look(setting.weights.supernet, choices, setting.images, options.images)
            population.add(choices, hit)
            losses.append(loss)
            hits.append(hit)
        self.done += 1
        return self._seen(search, losses, hits)

    def table(self, search: int) -> Tensor:
        """Log probabilities."""
        return self._shares(search).clamp_min(1e-30).log()

    def state(self) -> dict[str, Any]:
        populations = [{"alive": one.alive, "best": one.best} for one in self.populations]
        return {**super().state(), "populations": populations}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        for population, saved in zip(self.populations, state["populations"], strict=True):
            population.alive, population.best = list(saved["alive"]), saved["best"]

    def _next(self, population: Population, limit_ms: float, draws: np.random.Generator) -> Choices:
        """A random network until the population is full, then a mutated winner."""
        space = self.setting.space
        if not population.full:
            return random_within(space, self.costs, limit_ms, draws)
        parent = population.parent(draws)
        return mutated(parent, space, self.costs, limit_ms, draws)

    def _shares(self, search: int) -> Tensor:
        """Probabilities (decisions, options): half the best network, half the population."""
        population = self.populations[search]
        if population.best is None:
            return self.costs.mask / self.costs.mask.sum(1, keepdim=True)
        members = one_hot([choices for choices, _ in population.alive], self.costs)
        return (one_hot(population.best[0], self.costs) + members.mean(0)) / 2

    def _seen(self, search: int, losses: Sequence[float], hits: Sequence[float]) -> Step:
        p, kappa = self._shares(search)[None], torch.tensor([self.prices[search]])
        return Step.of(1 - fmean(hits), torch.tensor(losses), p, kappa, self.costs)


def limits_ms(space: Space, costs: Costs, count: int) -> list[float]:
    """Limits of latency for ascending prices: descending, spread evenly in log latency between
    the fastest and the slowest network, without these two."""
    ends = [extreme(space, costs, dearest=dearest) for dearest in (True, False)]
    slowest, fastest = (latency_ms(end, costs) for end in ends)
    limits: list[float] = np.geomspace(slowest, fastest, count + 2)[1:-1].tolist()
    return limits


def random_within(
    space: Space, costs: Costs, limit_ms: float, draws: np.random.Generator
) -> Choices:
    """A random network of any depth; while it is too slow, another of its choices, in random
    order, becomes that of the fastest network."""
    fastest = extreme(space, costs, dearest=False)
    choices = list(spread_path(space, draws))
    for place in draws.permutation(len(choices)):
        if latency_ms(space.canonical(choices), costs) <= limit_ms:
            break
        choices[place] = fastest[place]
    return space.canonical(choices)


def mutated(
    parent: Choices, space: Space, costs: Costs, limit_ms: float, draws: np.random.Generator
) -> Choices:
    """`parent` with another option at one decision, drawn among those that keep the limit; the
    parent itself where there is none."""
    swapped = [
        space.canonical((*parent[:place], int(option), *parent[place + 1 :]))
        for place, offered in enumerate(space.mask)
        for option in np.flatnonzero(offered)
    ]
    within = (expected_latency_ms(one_hot(swapped, costs), costs) <= limit_ms).tolist()
    found = [
        choices for choices, fits in zip(swapped, within, strict=True) if fits and choices != parent
    ]
    return found[draws.integers(len(found))] if found else parent
