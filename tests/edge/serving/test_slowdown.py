from __future__ import annotations

import math

import pytest

from edge.serving.slowdown import SlowDown

NOISE = [math.sin(k * k) * math.sqrt(2) for k in range(400)]  # variance about 1


def feed(slow_down: SlowDown, centre: float, sd: float, count: int) -> None:
    for k in range(count):
        slow_down.observe(centre + sd * NOISE[k], sd)


def test_the_first_look_is_weighed_against_what_was_measured():
    slow_down = SlowDown()
    slow_down.observe(0.1, sd=0.1)
    # predicted variance 0.01 + 1e-4, noise 0.1²: the gain is 0.0101 / 0.0201
    assert slow_down.log_factor == pytest.approx(0.1 * 0.0101 / 0.0201)
    assert slow_down.factor == pytest.approx(math.exp(slow_down.log_factor))


def test_a_single_outlier_moves_it_by_three_standard_deviations_and_a_second_one_fully():
    slow_down = SlowDown()
    slow_down.observe(10.0, sd=0.1)
    assert slow_down.log_factor == pytest.approx(3 * math.sqrt(0.0201) * 0.0101 / 0.0201)
    slow_down.observe(10.0, sd=0.1)
    assert slow_down.log_factor > 3


def test_an_outlier_to_the_other_side_is_a_first_one_again():
    slow_down = SlowDown()
    feed(slow_down, 0.0, 0.1, 50)
    slow_down.observe(5.0, sd=0.1)
    before = slow_down.log_factor
    slow_down.observe(-5.0, sd=0.1)
    assert before - slow_down.log_factor < 0.5


@pytest.mark.parametrize("factor", [0.8, 1.3, 2.0, 4.0])
def test_a_jump_is_followed_within_twelve_inferences(factor):
    slow_down = SlowDown()
    feed(slow_down, 0.0, 0.1, 200)
    feed(slow_down, math.log(factor), 0.1, 12)
    assert slow_down.factor == pytest.approx(factor, rel=0.1)


def test_a_steady_factor_is_averaged():
    slow_down = SlowDown()
    feed(slow_down, math.log(1.5), 0.1, 400)
    assert slow_down.factor == pytest.approx(1.5, rel=0.02)


def test_half_of_the_runs_exceed_the_factor():
    slow_down = SlowDown()
    feed(slow_down, 0.3, 0.1, 100)
    assert slow_down.miss(slow_down.log_factor, sd=0.1) == 0.5
    assert slow_down.miss(slow_down.log_factor + 1, sd=0.1) < 1e-6


@pytest.mark.parametrize(("room", "kept"), [(0.20, True), (0.16, False), (-0.1, False)])
def test_what_keeps_the_budget_misses_it_in_one_of_twenty_runs_at_most(room, kept):
    slow_down = SlowDown()
    feed(slow_down, 0.0, 0.1, 400)
    room += slow_down.log_factor
    assert slow_down.keeps(room, 0.1, 1.6449) is kept
    assert (slow_down.miss(room, 0.1) <= 0.05) is kept


def test_more_noise_than_was_measured_is_learned():
    quiet, noisy = SlowDown(), SlowDown()
    feed(quiet, 0.0, 0.1, 400)
    for noise in NOISE:
        noisy.observe(0.2 * noise, sd=0.1)
    assert quiet.keeps(0.25, 0.1, 1.6449)
    assert not noisy.keeps(0.25, 0.1, 1.6449)
