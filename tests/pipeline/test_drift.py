import math

import pytest

from pipeline.drift import drift
from pipeline.verified import verify
from tests.pipeline.test_verified import calibrated, member, record


def measured(*ratios):
    """Members of 1, 2, .. blocks that take `ratios` times the 1.5, 2, .. ms of the table."""
    members = [member(f"m{n}", blocks=n) for n in range(1, len(ratios) + 1)]
    times_ms = [ratio * (1 + n / 2) for n, ratio in enumerate(ratios, start=1)]
    table = calibrated()
    return [verify(m, record(m, ms), table, 95) for m, ms in zip(members, times_ms, strict=True)]


def test_members_that_are_all_slower_say_that_the_target_is():
    found = drift(measured(1.1, 1.1, 1.1, 1.1))
    assert found.n == 4
    assert [found.ratio, found.lo, found.hi] == pytest.approx([1.1] * 3, rel=1e-5)
    assert "10% slower than predicted (+10% to +10%)" in found.advice
    assert "facet feedback add" in found.advice


def test_the_interval_is_students_t_of_the_logarithms():
    found = drift(measured(*(math.exp(log) for log in (0.1, 0.2, 0.3))))
    half = 4.302653 * 0.1 / math.sqrt(3)  # t of 95 % with 2 degrees of freedom; sd 0.1
    assert math.log(found.ratio) == pytest.approx(0.2, rel=1e-4)
    assert math.log(found.lo) == pytest.approx(0.2 - half, rel=1e-3)
    assert math.log(found.hi) == pytest.approx(0.2 + half, rel=1e-3)
    assert found.advice is None  # it may be 1


@pytest.mark.parametrize("ratios", [(0.98, 0.98, 0.98), (1.2, 1 / 1.2, 1.0), (1.02, 1.01, 1.03)])
def test_little_or_mixed_differences_are_no_drift(ratios):
    assert drift(measured(*ratios)).advice is None


def test_a_faster_target_is_said_so_too():
    assert "20% faster" in drift(measured(0.8, 0.8, 0.8)).advice


def test_two_members_say_nothing_of_the_target():
    assert drift(measured(1.5, 1.5)) is None
