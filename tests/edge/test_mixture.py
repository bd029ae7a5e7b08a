from statistics import NormalDist

import numpy as np
import pytest

from edge.mixture import quantile

PROBABILITIES = (0.001, 0.05, 0.25, 0.5, 0.95, 0.999)


@pytest.mark.parametrize("probability", PROBABILITIES)
def test_of_one_gaussian(probability: float) -> None:
    found = quantile(np.ones(1), np.array([[3.0], [-1.0]]), np.array([[2.0], [0.1]]), probability)
    z = NormalDist().inv_cdf(probability)
    assert found == pytest.approx([3 + 2 * z, -1 + 0.1 * z], abs=1e-4)


def test_of_two_far_apart() -> None:
    """A quarter around 0, the rest around 100: P = 1/8 is the median of the first, 5/8 that of
    the other, and 1/4 lies in the gap."""
    weights, means, sds = np.array([0.25, 0.75]), np.array([[0.0, 100.0]]), np.ones((1, 2))
    assert quantile(weights, means, sds, 0.125) == pytest.approx([0.0], abs=1e-3)
    assert quantile(weights, means, sds, 0.625) == pytest.approx([100.0], abs=1e-3)
    assert 5 < quantile(weights, means, sds, 0.25)[0] < 95


@pytest.mark.parametrize("probability", PROBABILITIES)
def test_the_probability_below_it_is_what_was_asked_for(probability: float) -> None:
    """Also where components differ by a factor of a thousand, as those of a noise level do."""
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.full(40, 0.3))
    means = rng.normal(0, 1, (20, 40))
    sds = 10 ** rng.uniform(-2, 1, (20, 40))
    found = quantile(weights, means, sds, probability)
    below = np.vectorize(NormalDist().cdf)((found[:, None] - means) / sds) @ weights
    assert below == pytest.approx(np.full(20, probability), abs=1e-6)
