"""From judged candidates to members: the best that fits a budget, and local repair."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.extraction.candidates import Candidate, Predictor
from pipeline.seeds import rng

Score = Callable[[Sequence[Candidate]], list[Candidate]]

MAX_SWAPS = 2  # to use up a budget
_NEIGHBOURS = 8
_ROOM = 0.95  # a bound below this share of the budget leaves something to use up
_WORTH = 0.01  # of cross-entropy: a slower network must gain more than this to be worth a budget
_ROUND_DIGITS = 3


@dataclass(frozen=True)
class Choice:
    """What was chosen for a budget; `fits` is False when even the fastest network does not."""

    budget_ms: float
    candidate: Candidate
    fits: bool


def front(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The judged candidates that none is both faster and better than, fastest first."""
    best, kept = math.inf, []
    for candidate in sorted(candidates, key=lambda c: (c.bound_ms, c.judged_cross_entropy)):
        if candidate.judged_cross_entropy < best:
            best = candidate.judged_cross_entropy
            kept.append(candidate)
    return kept


def automatic_budgets(candidates: Sequence[Candidate], count: int) -> list[float]:
    """`count` budgets, evenly spread in log latency: from what the fastest network needs to
    where more latency no longer buys cross-entropy."""
    best_first = front(candidates)
    best = best_first[-1].judged_cross_entropy
    enough = next(c for c in best_first if c.judged_cross_entropy <= best * (1 + _WORTH))
    low, high = best_first[0].bound_ms, max(enough.bound_ms, best_first[0].bound_ms)
    if count == 1:
        return [round_up(high)]
    return sorted({round_up(low * (high / low) ** (i / (count - 1))) for i in range(count)})


def round_up(latency_ms: float) -> float:
    """Up to three significant digits: a budget that people can read."""
    unit = 10.0 ** (math.floor(math.log10(latency_ms)) - _ROUND_DIGITS + 1)
    return float(f"{math.ceil(latency_ms / unit - 1e-9) * unit:.{_ROUND_DIGITS}g}")


def best_within(candidates: Sequence[Candidate], budget_ms: float) -> Candidate | None:
    """The judged candidate of the lowest cross-entropy whose bound is within the budget."""
    fitting = [c for c in candidates if c.bound_ms <= budget_ms]
    return min(fitting, key=lambda c: c.judged_cross_entropy, default=None)


def choose_all(
    budgets_ms: Sequence[float],
    candidates: Sequence[Candidate],
    predictor: Predictor,
    screen: Score,
    judge: Score,
    seed: int,
) -> list[Choice]:
    """`choose` for every budget. What repair made for a smaller one is a candidate for a larger
    one: no budget has a worse network than a smaller budget."""
    judged, choices = list(candidates), {}
    for budget in sorted(budgets_ms):
        choices[budget] = choose(budget, judged, predictor, screen, judge, seed)
        judged.append(choices[budget].candidate)
    return [choices[budget] for budget in budgets_ms]


def choose(
    budget_ms: float,
    candidates: Sequence[Candidate],
    predictor: Predictor,
    screen: Score,
    judge: Score,
    seed: int,
) -> Choice:
    """The best of the judged `candidates` for a budget, repaired.

    Repair swaps one decision at a time: at most `MAX_SWAPS` times to use up a budget that leaves
    room, and as often as it takes to get under one that nothing fits. Its swaps are counted, so
    that it never silently does the search's work.
    """
    found = best_within(candidates, budget_ms)
    if found is None:
        fastest = min(candidates, key=lambda c: c.bound_ms)
        under = get_under(fastest, predictor, budget_ms)
        return Choice(budget_ms, judge([under])[0], under.bound_ms <= budget_ms)
    used_up = use_up(found, predictor, budget_ms, screen, seed)
    if used_up is not found:
        found = min(found, judge([used_up])[0], key=lambda c: c.judged_cross_entropy)
    return Choice(budget_ms, found, True)


def get_under(candidate: Candidate, predictor: Predictor, budget_ms: float) -> Candidate:
    """Swap towards the fastest neighbour until the budget is met or nothing is faster."""
    while candidate.bound_ms > budget_ms:
        fastest = min(predictor.neighbours(candidate), key=lambda c: c.bound_ms)
        if fastest.bound_ms >= candidate.bound_ms:
            break
        candidate = fastest
    return candidate


def use_up(
    candidate: Candidate, predictor: Predictor, budget_ms: float, screen: Score, seed: int
) -> Candidate:
    """Swap towards slower neighbours that fit, as long as the quick look finds them better."""
    draws = rng(seed, "repair", f"{budget_ms:.6g}")
    while candidate.swaps < MAX_SWAPS:
        if candidate.bound_ms > _ROOM * budget_ms:
            break
        slower = [
            other
            for other in predictor.neighbours(candidate)
            if candidate.bound_ms < other.bound_ms <= budget_ms
        ]
        if not slower:
            break
        order = draws.permutation(len(slower))[:_NEIGHBOURS]
        seen = screen([candidate, *(slower[i] for i in order)])
        best = min(seen, key=lambda c: c.quick_cross_entropy)
        if best.choices == candidate.choices:
            break
        candidate = best
    return candidate
