from __future__ import annotations

import pytest

from benchmarks.kendall import kendall


def test_pairs_in_the_same_order_less_those_in_opposite_order() -> None:
    assert kendall([1, 2, 3, 4], [10, 20, 30, 40]) == 1
    assert kendall([1, 2, 3, 4], [4, 3, 2, 1]) == -1
    assert kendall([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx(4 / 6)  # five of six pairs agree


def test_ties_are_no_pairs_of_their_side() -> None:
    # of three pairs one is a tie in one of the lists: 2 / sqrt(2 x 3)
    assert kendall([1, 1, 2], [1, 2, 3]) == pytest.approx(2 / 6**0.5)
    assert kendall([1, 1], [1, 2]) == 0


def test_only_pairs_inside_a_group_count() -> None:
    one, other = [1, 2, 10, 20], [2, 1, 10, 20]
    assert kendall(one, other) == pytest.approx(4 / 6)
    assert kendall(one, other, ["a", "a", "b", "b"]) == 0  # one pair agrees, one does not
    assert kendall(one, other, ["a", "b", "b", "b"]) == 1
