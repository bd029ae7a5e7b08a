import numpy as np
import pytest

from benchmarks.pick.policies import LARGEST, MEAN, ORACLE, PICK, SERVE, compare
from benchmarks.pick.scenarios import Run
from edge.serving.controller import Rung

MEMBERS = [Rung("small", 0.8, 1.0, 1.1), Rung("middle", 0.9, 2.0, 2.2), Rung("large", 1, 4.0, 4.4)]


def outcomes(factors, budget_ms):
    run = Run(10.0, np.array(factors, dtype=float), np.ones(len(factors)))
    return {one.policy: one for one in compare(MEMBERS, run, budget_ms)}


def test_fixed_members_miss_where_the_board_is_slow():
    found = outcomes([1, 1, 1, 1.5, 2.5], 2.1)  # 2.0, 2.0, 2.0, 3.0, 5.0 ms of middle
    assert [found[policy].misses for policy in (LARGEST, MEAN, PICK, ORACLE)] == [4, 1, 0, 0]
    assert found[MEAN].feasible == 4  # at the last call small takes 2.5 ms
    assert found[MEAN].accuracy == pytest.approx(4 * 0.9)
    assert found[ORACLE].accuracy == pytest.approx(3 * 0.9 + 0.8)
    assert found[ORACLE].switches == 1
    assert found[PICK].accuracy == pytest.approx(4 * 0.8)  # the bound of middle is 2.2 ms


def test_serve_misses_until_it_has_switched():
    found = outcomes([1] * 100 + [1.5] * 100, 2.5)
    assert found[MEAN].misses == 100
    assert 5 <= found[SERVE].misses <= 15
    assert found[SERVE].switches == 1
    assert found[ORACLE].misses == 0


def test_outcomes_add_up():
    one = outcomes([1, 1, 2], 2.5)[MEAN]
    both = one + one
    assert (both.calls, both.feasible, both.misses) == (6, 6, 2)
    assert both.accuracy == pytest.approx(2 * one.accuracy)
