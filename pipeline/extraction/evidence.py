"""What shows that the search did something: steering by S, distinct members, the control."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from edge.bayes import spearman
from edge.statistics import t_quantile
from models.alpha import Alpha
from pipeline.extraction.candidates import Candidate, bin_of
from pipeline.extraction.choose import front
from pipeline.search.objective import Costs, expected_latency_ms
from pipeline.search.simplex import grid

APART = 1.03  # ratio of latencies below which two networks count as one for a user


@dataclass(frozen=True)
class Control:
    """Cross-entropy of the search minus that of uniform α, in bins of equal latency."""

    bins: int
    mean_difference: float
    half_width: float  # of its 90 % interval over the bins; infinite for fewer than two
    win_share: float

    @property
    def ties(self) -> bool:
        """Whether the search is not shown to be better than uniform α."""
        return not self.mean_difference + self.half_width < 0

    def __str__(self) -> str:
        if self.bins < 2:
            shared = "one bin" if self.bins else "no bin"
            return (
                "The control TIES: there is too little to compare, since the search and uniform α "
                f"have {shared} of latency in common."
            )
        numbers = (
            f"cross-entropy {self.mean_difference:+.4f} ± {self.half_width:.4f} against uniform "
            f"α at equal latency, better in {self.win_share:.0%} of {self.bins} bins"
        )
        if self.ties:
            return f"The control TIES: the search has added nothing ({numbers})."
        return f"This search is ahead of its control: {numbers}."


@dataclass(frozen=True)
class Bin:
    """The best cross-entropy of both in one bin of predicted latency."""

    low_ms: float
    high_ms: float
    search: float
    control: float


def shared_bins(
    family: Sequence[Candidate],
    control: Sequence[Candidate],
    limits_ms: tuple[float, float],
    bins: int,
) -> list[Bin]:
    """The bins that judged candidates of both lie in, the fastest first."""
    best_family = _best_by_bin(family, limits_ms, bins)
    best_control = _best_by_bin(control, limits_ms, bins)
    edges_ms = np.geomspace(*limits_ms, bins + 1).tolist()
    return [
        Bin(edges_ms[place], edges_ms[place + 1], best_family[place], best_control[place])
        for place in sorted(set(best_family) & set(best_control))
    ]


def against_control(shared: Sequence[Bin]) -> Control:
    """Compare the best of both over the bins that they share."""
    differences = np.array([one.search - one.control for one in shared])
    if len(shared) < 2:
        return Control(len(shared), float(differences.sum()), math.inf, 0.0)
    half = t_quantile(0.9, len(shared) - 1) * differences.std(ddof=1) / math.sqrt(len(shared))
    wins = float((differences < 0).mean())
    return Control(len(shared), float(differences.mean()), float(half), wins)


def distinct_on_front(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The argmax candidates on the front among `candidates`, each at least 3 % slower than the
    one before it."""
    kept: list[Candidate] = []
    for candidate in front([c for c in candidates if c.how == "argmax"]):
        if not kept or candidate.median.mean_ms >= APART * kept[-1].median.mean_ms:
            kept.append(candidate)
    return kept


@torch.no_grad()
def steering(
    alpha: Alpha,
    operations: Sequence[str],
    kappa_range: tuple[float, float],
    points: int = 256,
    seed: int = 0,
) -> dict[str, float]:
    """Spearman of S_o and the use of operation o (mean probability) over points of the simplex
    at the middle price: negative when a larger penalty is heard."""
    simplex, _ = grid(len(operations), kappa_range, points, seed)
    middle = math.sqrt(kappa_range[0] * kappa_range[1])
    p = alpha(simplex, torch.full((points,), middle)).softmax(-1)
    use = alpha.of_operations(p).mean(1)  # (points, k)
    correlations = {}
    for index, op in enumerate(operations):
        value = spearman(simplex[:, index].tolist(), use[:, index].tolist())
        correlations[op] = 0.0 if value is None else value
    return correlations


@torch.no_grad()
def thrift(
    alpha: Alpha, costs: Costs, kappa_range: tuple[float, float], points: int = 256, seed: int = 0
) -> float:
    """Spearman of the price κ and the expected latency over points (S, κ): negative when a
    higher price makes networks faster."""
    simplex, kappas = grid(alpha.operations, kappa_range, points, seed)
    latency_ms = expected_latency_ms(alpha(simplex, kappas).softmax(-1), costs)
    return spearman(kappas.tolist(), latency_ms.tolist()) or 0.0


def _best_by_bin(
    candidates: Sequence[Candidate], limits_ms: tuple[float, float], bins: int
) -> dict[int, float]:
    best: dict[int, float] = {}
    for candidate in candidates:
        place = bin_of(candidate, limits_ms, bins)
        best[place] = min(best.get(place, math.inf), candidate.judged_cross_entropy)
    return best
