"""Budgets, fronts and repair on candidates whose numbers are made up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.extraction.choose import (
    automatic_budgets,
    best_within,
    choose,
    choose_all,
    front,
    get_under,
    round_up,
    use_up,
)
from tests.pipeline.extraction.made_up import candidate


class Ladder:
    """A predictor of networks 0, 1, 2 ...: network n takes n + 1 ms; neighbours differ by one."""

    def neighbours(self, one):
        (n,) = one.choices
        swaps = one.swaps + 1
        found = [candidate(m, m + 1.0, bound=1.0) for m in (n - 1, n + 1) if m >= 0]
        return [replace(other, how="repair", swaps=swaps) for other in found]


def scores(best):
    """A quick look that prefers networks near `best`."""

    def screen(candidates):
        return [replace(c, screened_cross_entropy=abs(c.choices[0] - best)) for c in candidates]

    return screen


def judged(candidates):
    return [replace(c, cross_entropy=float(abs(c.choices[0] - 5))) for c in candidates]


def test_the_front_drops_what_is_slower_and_no_better():
    a, b, c = candidate(1, 1.0, 0.5), candidate(2, 2.0, 0.6), candidate(3, 3.0, 0.4)
    assert front([c, b, a]) == [a, c]


def test_the_best_within_a_budget_is_held_to_its_bound():
    fast, slow = candidate(1, 1.0, 0.5), candidate(2, 2.0, 0.4)
    assert best_within([fast, slow], 2.4) == slow
    assert best_within([fast, slow], 2.3) == fast  # 2 ms, but its bound is 2.4 ms
    assert best_within([fast, slow], 1.1) is None


def test_automatic_budgets_are_a_geometric_series_up_to_what_is_worth_it():
    fast, good = candidate(1, 1.0, 0.5, bound=1.0), candidate(2, 4.0, 0.300, bound=1.0)
    barely_better = candidate(3, 9.0, 0.299, bound=1.0)
    assert automatic_budgets([fast, good, barely_better], 3) == [1.0, 2.0, 4.0]
    assert automatic_budgets([fast, good, barely_better], 1) == [4.0]
    assert automatic_budgets([fast], 3) == [1.0]


@pytest.mark.parametrize(
    ("latency_ms", "budget_ms"), [(0.12341, 0.124), (1.0, 1.0), (0.9999, 1.0), (12.01, 12.1)]
)
def test_budgets_are_rounded_up(latency_ms, budget_ms):
    assert round_up(latency_ms) == budget_ms


def test_repair_gets_under_a_budget_and_counts_its_swaps():
    found = get_under(candidate(4, 5.0, bound=1.0), Ladder(), 2.5)
    assert found.choices == (1,)
    assert found.swaps == 3
    assert found.how == "repair"


def test_repair_stops_where_nothing_is_faster():
    assert get_under(candidate(2, 3.0, bound=1.0), Ladder(), 0.5).choices == (0,)


def test_repair_uses_up_a_budget_while_the_quick_look_gains():
    start = candidate(2, 3.0, bound=1.0)
    assert use_up(start, Ladder(), 10.0, scores(best=3), seed=0).choices == (3,)
    assert use_up(start, Ladder(), 10.0, scores(best=9), seed=0).choices == (4,)  # two swaps
    assert use_up(start, Ladder(), 10.0, scores(best=0), seed=0) is start


def test_repair_leaves_a_budget_alone_that_is_nearly_used_up():
    start = candidate(2, 3.0, bound=1.0)
    assert use_up(start, Ladder(), 3.1, scores(best=9), seed=0) is start


def test_a_budget_that_nothing_fits_is_repaired_or_said_to_be_infeasible():
    slow = judged([candidate(4, 5.0, bound=1.0)])
    met = choose(2.5, slow, Ladder(), scores(9), judged, seed=0)
    assert (met.fits, met.candidate.choices) == (True, (1,))
    missed = choose(0.5, slow, Ladder(), scores(9), judged, seed=0)
    assert (missed.fits, missed.candidate.choices) == (False, (0,))


def test_a_swap_that_the_careful_look_does_not_confirm_is_dropped():
    start = judged([candidate(5, 6.0, bound=1.0)])  # the careful look likes 5 best
    choice = choose(9.0, start, Ladder(), scores(best=9), judged, seed=0)
    assert choice.candidate.choices == (5,)


def test_what_a_smaller_budget_was_repaired_to_is_a_candidate_for_a_larger_one():
    starts = judged([candidate(3, 4.0, bound=1.0), candidate(6, 7.0, bound=1.0)])
    alone = choose(7.2, starts, Ladder(), scores(best=5), judged, seed=0)
    assert alone.candidate.choices == (6,)  # which uses its budget up, and 5 would be better
    small, large = choose_all([6.2, 7.2], starts, Ladder(), scores(best=5), judged, seed=0)
    assert (small.candidate.choices, large.candidate.choices) == ((5,), (5,))
    assert small.candidate.swaps == large.candidate.swaps == 2
    third = choose_all([6.2, 9.0], starts, Ladder(), scores(best=9), judged, seed=0)[1]
    assert third.candidate.swaps <= 2  # not two more for every budget
    assert choose_all([7.2, 6.2], starts, Ladder(), scores(5), judged, seed=0) == [large, small]
