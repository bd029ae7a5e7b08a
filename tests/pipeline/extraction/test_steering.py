"""The sweep from the centre of the simplex to each vertex."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from models.alpha import Alpha
from pipeline.extraction.steering import STEPS, sweep

OPERATIONS = ("a", "b", "c")


class Obedient(Alpha):
    """Two decisions, the second without c; logits fall with the penalty, and a has a lead of 1."""

    def __init__(self):
        super().__init__(np.array([[True, True, True], [True, True, False]]), 3, 2)

    def forward(self, simplex, kappa):
        logits = torch.tensor([1.0, 0.0, 0.0]) - 4 * simplex  # (B, 3)
        return logits[:, None, :].expand(-1, 2, -1).masked_fill(~self.mask, -torch.inf)


@pytest.fixture(scope="module")
def uses():
    return sweep(Obedient(), OPERATIONS, (0.1, 1.0))


def test_every_operation_goes_from_the_centre_to_its_vertex(uses):
    assert [use.operation for use in uses] == ["a"] * STEPS + ["b"] * STEPS + ["c"] * STEPS
    for first in range(0, 3 * STEPS, STEPS):
        assert uses[first].penalty == pytest.approx(1 / 3)
        assert uses[first + STEPS - 1].penalty == 1


def test_the_leader_is_chosen_until_its_penalty_outweighs_its_lead(uses):
    # a at S_a = s has 1 - 4 s, the others -2 (1 - s): even at s = 1/2, between the steps
    shares = [use.argmax_share for use in uses[:STEPS]]
    assert shares == [1.0] * 3 + [0.0] * (STEPS - 3)


def test_only_decisions_that_offer_an_operation_count(uses):
    # at the centre, c has 1 of e + 2 in the first decision and is not offered by the second
    assert uses[2 * STEPS].mean_probability == pytest.approx(1 / (math.e + 2), abs=1e-5)
    # a has e / (e + 2) in the first and e / (e + 1) in the second
    expected = (math.e / (math.e + 2) + math.e / (math.e + 1)) / 2
    assert uses[0].mean_probability == pytest.approx(expected, abs=1e-5)
