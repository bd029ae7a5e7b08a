import math

import pytest

from benchmarks.room.spread import room


def test_the_spread_is_that_of_the_means_and_the_noise_that_of_equals():
    # means 90 and 92 points; the variance between two seeds 0.02 and 0.08, half of it in a mean
    accuracies = {"a": [0.899, 0.901], "b": [0.918, 0.922]}
    found = room(0.5, accuracies, images=10_000)
    assert (found.best, found.worst, found.mean) == pytest.approx((92, 90, 91))
    assert found.spread == pytest.approx(math.sqrt(2))
    assert found.noise == pytest.approx(math.sqrt((0.01 + 0.04) / 2 + 1e4 * 0.91 * 0.09 / 10_000))
    assert found.ratio == pytest.approx(found.spread / found.noise)
    assert found.enough


def test_equal_networks_leave_no_room():
    found = room(0.5, {"a": [0.90, 0.91], "b": [0.91, 0.90]}, images=1000)
    assert found.spread == pytest.approx(0)
    assert not found.enough
