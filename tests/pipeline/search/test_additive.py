from __future__ import annotations

from itertools import product

import pytest
import torch

from pipeline.search.estimators.additive import FORGET, AdditiveModel

VALUES = torch.tensor([[0.0, -0.3, 0.3], [0.2, 0.0, -0.2]])
PATHS = torch.tensor(list(product(range(3), repeat=2)))


def losses(offset):
    return offset + VALUES[0, PATHS[:, 0]] + VALUES[1, PATHS[:, 1]]


def test_an_additive_loss_is_found_whatever_the_batches_are_like():
    model = AdditiveModel(2, 3, ridge=1e-6)
    for offset in (0.5, 2.0):  # an easy and a hard batch
        model.add(PATHS, losses(offset))
    assert model.values.flatten().tolist() == pytest.approx(VALUES.flatten().tolist(), abs=1e-5)


def test_ridge_shrinks_by_hand():
    """Two paths that differ by one in one decision: x = ±½ of two columns, y = ±1. With the
    columns against each other, v = (½·1 + ½·1) / (2·½ + ridge) = 1 / (1 + ridge)."""
    model = AdditiveModel(1, 2, ridge=1.0)
    model.add(torch.tensor([[0], [1]]), torch.tensor([2.0, 0.0]))
    assert model.values.flatten().tolist() == pytest.approx([0.5, -0.5])


def test_what_was_never_seen_is_worth_nothing():
    model = AdditiveModel(1, 3)
    model.add(torch.tensor([[0], [1]]), torch.tensor([1.0, 0.0]))
    assert model.values[0, 2] == 0


def test_old_losses_fade():
    model = AdditiveModel(1, 2, ridge=1e-9)
    model.add(torch.tensor([[0], [1]]), torch.tensor([1.0, 0.0]))
    model.add(torch.tensor([[0], [1]]), torch.tensor([0.0, 1.0]))
    # ± half the weighted mean of +1 (old, fading) and -1 (new)
    expected = 0.5 * (FORGET - 1) / (FORGET + 1)
    assert model.values[0, 0].item() == pytest.approx(expected, rel=1e-4)


def test_losses_count_by_their_weight():
    """Two that say 1 and one, with a fourth of the weight, that says -2."""
    model = AdditiveModel(1, 2, ridge=1e-9)
    for loss, weight in ((1.0, 1.0), (1.0, 1.0), (-2.0, 0.25)):
        model.add(torch.tensor([[0], [1]]), torch.tensor([loss, 0.0]), weight)
    mean = (2 * 1.0 - 0.25 * 2.0) / 2.25
    assert model.values[0, 0].item() == pytest.approx(0.5 * mean, rel=2e-3)  # FORGET


def test_its_state_restores_it():
    one, other = AdditiveModel(2, 3), AdditiveModel(2, 3)
    one.add(PATHS, losses(1.0))
    other.restore(one.state())
    assert torch.equal(one.values, other.values)
