"""What counts as evidence."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from models.alpha import Alpha
from models.hypernet import HyperNetwork
from pipeline.extraction.evidence import (
    against_control,
    distinct_on_front,
    shared_bins,
    steering,
    thrift,
)
from pipeline.search.objective import Costs
from tests.pipeline.extraction.made_up import candidate


def arm(values):
    return [candidate(i, 2.0**i, value) for i, value in enumerate(values)]


def compared(family, control, limits_ms, bins):
    return against_control(shared_bins(family, control, limits_ms, bins))


def test_bins_are_equal_in_log_latency_and_hold_the_best_of_both():
    better = [*arm([0.5, 0.4]), candidate(9, 1.5, 0.3)]
    first, second = shared_bins(better, arm([0.6, 0.7]), (1.0, 4.0), bins=2)
    assert (first.low_ms, first.high_ms) == pytest.approx((1.0, 2.0))
    assert (first.search, first.control) == (0.3, 0.6)
    assert (second.search, second.control) == (0.4, 0.7)


def test_the_control_is_compared_bin_by_bin():
    found = compared(arm([0.5, 0.4, 0.3]), arm([0.6, 0.5, 0.5]), (1.0, 8.0), bins=3)
    assert found.bins == 3
    assert found.mean_difference == pytest.approx(-(0.1 + 0.1 + 0.2) / 3)
    # t(0.9, 2 degrees) = 2.920; sd of (-.1, -.1, -.2) = 0.05774
    assert found.half_width == pytest.approx(2.920 * 0.057735 / math.sqrt(3), rel=1e-3)
    assert found.win_share == 1.0
    assert not found.ties
    assert str(found).startswith("This search is ahead of its control")


def test_a_difference_within_its_interval_is_a_tie_and_the_first_words_say_so():
    found = compared(arm([0.5, 0.6]), arm([0.6, 0.5]), (1.0, 4.0), bins=2)
    assert found.ties
    assert str(found).startswith("The control TIES: the search has added nothing (")


def test_a_worse_search_ties_too():
    assert compared(arm([0.7, 0.8]), arm([0.6, 0.7]), (1.0, 4.0), bins=2).ties


@pytest.mark.parametrize(("shared", "words"), [(0, "no bin"), (1, "one bin")])
def test_fewer_than_two_shared_bins_show_nothing_and_no_number(shared, words):
    found = compared(arm([0.5]), arm([0.9])[:shared], (1.0, 4.0), bins=2)
    assert found.ties
    assert str(found).endswith(f"the search and uniform α have {words} of latency in common.")


def test_distinct_members_are_on_the_front_and_three_percent_apart():
    candidates = [
        candidate(1, 1.00, 0.50),
        candidate(2, 1.02, 0.49),  # too close to the first
        candidate(3, 1.05, 0.48),
        candidate(4, 2.00, 0.60),  # not on the front
    ]
    assert [c.choices for c in distinct_on_front(candidates)] == [(1,), (3,)]


def test_steering_is_minus_one_where_a_penalty_is_heard_and_zero_where_nothing_moves():
    net = HyperNetwork(np.ones((2, 3), dtype=bool), 3, 2, kappa_range=(0.1, 1.0), hidden=(4,))
    still = steering(net, ("a", "b", "c"), (0.1, 1.0), points=64)
    assert still == {"a": 0.0, "b": 0.0, "c": 0.0}

    class Obedient(Alpha):
        def forward(self, simplex, kappa):
            return (-4 * simplex)[:, None, :].expand(-1, 2, -1)

    heard = steering(
        Obedient(np.ones((2, 3), dtype=bool), 3, 2), ("a", "b", "c"), (0.1, 1.0), points=256
    )
    assert all(value < -0.9 for value in heard.values())


def test_thrift_is_minus_one_where_a_higher_price_makes_networks_faster():
    """Three operations of 0, 1 and 2 ms at two places: the logits −κ·latency buy less and less."""

    class Thrifty(Alpha):
        def forward(self, simplex, kappa):
            return (-kappa[:, None] * torch.tensor([0.0, 1.0, 2.0]))[:, None].expand(-1, 2, -1)

    mask = np.ones((2, 3), dtype=bool)
    costs = Costs(
        latency_ms=torch.tensor([[0.0, 1.0, 2.0]] * 2)[..., None],
        offset_ms=torch.tensor(1.0),
        stage=torch.zeros(2, dtype=torch.int64),
        reg=torch.ones(2, 3),
        mask=torch.from_numpy(mask),
    )
    assert thrift(Thrifty(mask, 3, 2), costs, (0.1, 1.0), points=64) == pytest.approx(-1.0)
    still = HyperNetwork(mask, 3, 2, kappa_range=(0.1, 1.0), hidden=(4,))
    assert thrift(still, costs, (0.1, 1.0), points=64) == 0.0
