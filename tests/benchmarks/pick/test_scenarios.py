import numpy as np
import pytest

from benchmarks.pick import protocol
from benchmarks.pick.scenarios import SCENARIOS, draw


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_is_the_same_every_time_and_slows_no_more_than_it_says(name):
    one, again, other = (draw(name, seed, 30.0, 600.0) for seed in (1, 1, 2))
    assert np.array_equal(one.factor, again.factor)
    assert np.array_equal(one.noise, again.noise)
    assert not np.array_equal(one.noise, other.noise)
    assert one.factor.max() < protocol.MOST * 1.2  # the drift adds a little
    assert one.factor.min() > 0.8


@pytest.mark.parametrize("name", ["steps", "ramps", "bursts", "thermal"])
def test_a_scenario_slows_the_board_for_a_while(name):
    factor = draw(name, 1, 5.0, 1800.0).factor
    assert 0.02 < np.mean(factor > 1.3) < 0.95


def test_noise_is_as_long_tailed_as_the_protocol_says():
    noise = draw("steady", 1, 30.0, 3600.0).noise
    assert np.median(noise) == pytest.approx(1, abs=0.005)
    assert np.quantile(noise, 0.95) == pytest.approx(np.exp(1.645 * 0.08), abs=0.005)
    assert np.mean(noise > 1.5) == pytest.approx(0.002, abs=0.0007)  # 0.1 % begin, two in a row
    assert np.mean(draw("spikes", 1, 30.0, 3600.0).noise > 1.5) == pytest.approx(0.016, abs=0.003)
