"""Candidates: architectures with the simplex point they came from and a predicted latency."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from edge.bayes import Floats
from edge.predictor import Calibration, Prediction
from edge.spec import Architecture
from models.alpha import Alpha
from models.spaces import Choices, Space
from pipeline.search.simplex import grid
from pipeline.seeds import generator

How = Literal["argmax", "sample", "uniform", "repair"]


@dataclass(frozen=True)
class Candidate:
    """An architecture by its choices, and by the key that all of them have which are the same
    network. Scores are None until it is screened or judged."""

    choices: Choices
    key: str
    how: How
    median: Prediction
    tail: Prediction  # at the percentile of the budgets
    simplex: tuple[float, ...] | None = None
    kappa: float | None = None
    swaps: int = 0
    screened_cross_entropy: float | None = None
    cross_entropy: float | None = None
    accuracy: float | None = None

    @property
    def bound_ms(self) -> float:
        """What must be within a budget."""
        return self.tail.hi_ms

    @property
    def quick_cross_entropy(self) -> float:
        """The cross-entropy of the quick look; the candidate must be screened."""
        assert self.screened_cross_entropy is not None
        return self.screened_cross_entropy

    @property
    def judged_cross_entropy(self) -> float:
        """The cross-entropy with re-estimated BatchNorm; the candidate must be judged."""
        assert self.cross_entropy is not None
        return self.cross_entropy


class Found(NamedTuple):
    """Choices and where they came from."""

    choices: Choices
    how: How
    simplex: tuple[float, ...] | None = None
    kappa: float | None = None


@dataclass(frozen=True, eq=False)
class Predictor:
    """Predicts the latency of choices at one percentile."""

    space: Space
    calibration: Calibration
    percentile: int

    def candidates(
        self, found: Iterable[Found], known: set[str | Choices] | None = None
    ) -> list[Candidate]:
        """One candidate for every different network among `found`, the first that has it. Networks
        whose keys or choices are `known` are left out, and the new ones are known from then on."""
        known = set() if known is None else known
        of_choices: dict[Choices, Found] = {}
        for one in found:
            of_choices.setdefault(self.space.canonical(one.choices), one)
        first: dict[str, tuple[Architecture, Choices, Found]] = {}
        for choices, one in of_choices.items():
            if choices in known:
                continue
            architecture = self.space.architecture(choices)
            if architecture.key not in known:
                first.setdefault(architecture.key, (architecture, choices, one))
        known.update(first, of_choices)
        medians = self.calibration.predict_many(
            [architecture for architecture, *_ in first.values()]
        )
        return [
            Candidate(
                choices=choices,
                key=key,
                how=one.how,
                median=median,
                tail=self.calibration.tail_of(median, self.percentile),
                simplex=one.simplex,
                kappa=one.kappa,
            )
            for (key, (_, choices, one)), median in zip(first.items(), medians, strict=True)
        ]

    def neighbours(self, candidate: Candidate) -> list[Candidate]:
        """Every network that differs in one decision."""
        found = []
        for e, offered in enumerate(self.space.mask):
            for index in np.flatnonzero(offered):
                swapped = (*candidate.choices[:e], int(index), *candidate.choices[e + 1 :])
                found.append(Found(swapped, "repair", candidate.simplex, candidate.kappa))
        swaps = candidate.swaps + 1
        return [
            replace(other, swaps=swaps)
            for other in self.candidates(found)
            if other.key != candidate.key
        ]


@torch.no_grad()
def from_alpha(
    alpha: Alpha,
    predictor: Predictor,
    kappa_range: tuple[float, float],
    count: int,
    seed: int,
) -> list[Candidate]:
    """The argmax of α at `count` points (S, κ), and after each of them one sample of α there. What
    is an argmax somewhere is one, wherever it was sampled."""
    space = predictor.space
    points, kappas = grid(len(space.operations), kappa_range, count, seed)
    p = alpha(points, kappas).softmax(-1)  # (count, E, k)
    argmax = _derived(space, p)
    draws = generator(seed, "extraction")
    sampled = torch.multinomial(p.flatten(0, 1), 1, generator=draws).view(p.shape[:2])
    origins = list(zip(map(tuple, points.tolist()), kappas.tolist(), strict=True))
    derived = [Found(choices, "argmax", *at) for choices, at in zip(argmax, origins, strict=True)]
    certain = {space.canonical(one.choices): one for one in reversed(derived)}
    found = []
    for one, row, at in zip(derived, sampled.tolist(), origins, strict=True):
        sample = Found(tuple(row), "sample", *at)
        found += [one, certain.get(space.canonical(sample.choices), sample)]
    return predictor.candidates(found)


@torch.no_grad()
def at_point(
    alpha: Alpha, predictor: Predictor, point: Tensor, kappas: Sequence[float]
) -> list[Candidate]:
    """The different argmaxes of α at one point S over several prices."""
    p = alpha(point.expand(len(kappas), -1), torch.tensor(kappas)).softmax(-1)
    simplex, derived = tuple(point.tolist()), _derived(predictor.space, p)
    return predictor.candidates(
        Found(choices, "argmax", simplex, kappa)
        for choices, kappa in zip(derived, kappas, strict=True)
    )


def _derived(space: Space, p: Tensor) -> list[Choices]:
    """The networks of probabilities (count, decisions, options)."""
    return [space.derive(one) for one in p.numpy()]


def spread(
    candidates: Sequence[Candidate], count: int, limits_ms: tuple[float, float], bins: int
) -> list[Candidate]:
    """At most `count` of the candidates, evenly over bins of log latency, in order in each bin."""
    binned = by_bin(candidates, limits_ms, bins)
    chosen: list[Candidate] = []
    for turn in zip_longest(*binned):
        of_turn = [candidate for candidate in turn if candidate is not None]
        chosen += _evenly(of_turn, count - len(chosen))
    return chosen


def _evenly(items: Sequence[Candidate], count: int) -> list[Candidate]:
    """At most `count` of the items, as far apart as they can be: those of a turn that is cut short
    are of slow bins as of fast ones."""
    kept = min(count, len(items))
    return [items[(2 * n + 1) * len(items) // (2 * kept)] for n in range(kept)]


def by_bin(
    candidates: Sequence[Candidate], limits_ms: tuple[float, float], bins: int
) -> list[list[Candidate]]:
    """The candidates of every bin, in order."""
    medians_ms = np.array([candidate.median.mean_ms for candidate in candidates])
    binned: list[list[Candidate]] = [[] for _ in range(bins)]
    for candidate, place in zip(candidates, bins_of(medians_ms, limits_ms, bins), strict=True):
        binned[place].append(candidate)
    return binned


def bin_of(candidate: Candidate, limits_ms: tuple[float, float], bins: int) -> int:
    """Which of `bins` equal parts of log latency between the limits a candidate lies in."""
    (place,) = bins_of(np.array([candidate.median.mean_ms]), limits_ms, bins)
    return place


def bins_of(medians_ms: Floats, limits_ms: tuple[float, float], bins: int) -> list[int]:
    """`bin_of` for latencies (n,)."""
    low, high = np.log(limits_ms)
    position = (np.log(medians_ms) - low) / max(1e-9, high - low)
    places: list[int] = np.clip(position * bins, 0, bins - 1).astype(int).tolist()
    return places
