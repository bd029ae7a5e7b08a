import math

import pytest

from experiments.hypervolume import Point, hypervolume

SPAN_MS = (1.0, math.e**4)  # four units of log latency


def at(log_ms, accuracy):
    return Point(math.exp(log_ms), accuracy)


def test_one_network_counts_from_its_latency_on():
    # 0.9 - 0.8 from log 1 to log e^4: three of four units
    assert hypervolume([at(1, 0.9)], SPAN_MS, 0.8) == pytest.approx(0.1 * 3 / 4)


def test_a_better_slower_network_adds_its_part():
    found = hypervolume([at(3, 0.95), at(1, 0.9)], SPAN_MS, 0.8)
    assert found == pytest.approx((0.1 * 2 + 0.15 * 1) / 4)


def test_a_slower_and_worse_one_adds_nothing():
    alone = hypervolume([at(1, 0.9)], SPAN_MS, 0.8)
    assert hypervolume([at(1, 0.9), at(2, 0.85)], SPAN_MS, 0.8) == pytest.approx(alone)


def test_what_lies_beyond_the_span_counts_from_its_start_or_not_at_all():
    assert hypervolume([at(-3, 0.9)], SPAN_MS, 0.8) == pytest.approx(0.1)
    assert hypervolume([at(9, 0.9)], SPAN_MS, 0.8) == 0


def test_below_the_floor_nothing_counts():
    assert hypervolume([at(1, 0.7)], SPAN_MS, 0.8) == 0
    assert hypervolume([], SPAN_MS, 0.8) == 0
