import math

import pytest

from experiments.paired import LEAST_SEEDS, Difference, relative


def test_differences_are_relative_and_paired_by_seed():
    found = relative({0: 1.1, 1: 2.4, 2: 3.9, 7: 5.0}, {0: 1.0, 1: 2.0, 2: 3.0, 5: 1.0})
    # 10 %, 20 % and 30 %; t of 95 % with two degrees of freedom is 4.3027
    assert found.n == 3
    assert found.mean == pytest.approx(0.2)
    assert found.half == pytest.approx(4.302653 * 0.1 / math.sqrt(3), rel=1e-5)


def test_one_seed_has_no_interval_and_none_no_difference():
    assert relative({0: 3.0}, {0: 2.0}) == Difference(0.5, math.inf, 1)
    assert relative({0: 3.0}, {1: 2.0}) is None
    assert relative({0: 3.0, 1: 3.0}, {0: 2.0, 1: 0.0}) == Difference(0.5, math.inf, 1, nothing=1)


def test_the_bar_asks_for_an_interval_and_a_mean():
    assert Difference(0.03, 0.035, 5).clears(margin=0.01)
    assert not Difference(0.03, 0.045, 5).clears(margin=0.01)  # down to -1.5 %
    assert not Difference(0.015, 0.001, 5).clears(margin=0.01)  # sure, but little


@pytest.mark.parametrize(
    ("mean", "half", "verdict"),
    [
        (0.03, 0.02, "wins"),
        (-0.03, 0.02, "loses"),
        (0.001, 0.004, "ties"),
        (0.005, 0.003, "ties"),  # surely more than nothing, and surely worth nothing
        (-0.005, 0.003, "ties"),
        (0.02, 0.03, "undecided"),
        (0.5, math.inf, "undecided"),
    ],
)
def test_the_interval_decides(mean, half, verdict):
    assert Difference(mean, half, 5).verdict(margin=0.01) == verdict


@pytest.mark.parametrize("mean", [0.03, -0.03, 0.0])
def test_fewer_seeds_than_a_claim_takes_decide_nothing(mean):
    few = Difference(mean, 0.001, LEAST_SEEDS - 1)
    assert not few.has_a_verdict
    assert few.verdict(margin=0.01) == "undecided"
    assert not few.clears(margin=0.01)
    assert Difference(mean, 0.001, LEAST_SEEDS).verdict(margin=0.01) != "undecided"
