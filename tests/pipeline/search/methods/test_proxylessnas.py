"""The formulas of ProxylessNAS on numbers that were worked out by hand."""

import math

import pytest
import torch

from pipeline.search.estimators.pathwise import binary_gates, draw_pairs
from pipeline.search.methods.proxylessnas import keep_the_others, over_pairs, reward

ALPHA = torch.tensor([[0.0, math.log(3.0), 1.0]])
PAIR = torch.tensor([[0, 1]])  # over the pair the probabilities are 1/4 and 3/4


def test_the_gradient_of_a_pair_is_that_of_its_gates():
    """With dL/dg = (2, 6): dL/dα_0 = 2 · ¼ (1 − ¼) + 6 · ¾ (0 − ¼) = −¾, and +¾ for the other."""
    alpha = ALPHA.clone().requires_grad_()
    (gates,) = binary_gates(alpha, PAIR, torch.Generator().manual_seed(0))
    loss = sum(gate * slope for (_, gate), slope in zip(gates, (2.0, 6.0), strict=True))
    (gradient,) = torch.autograd.grad(loss, [alpha])
    assert gradient[0].tolist() == pytest.approx([-0.75, 0.75, 0.0])


def test_one_of_a_pair_is_active_as_often_as_its_probability_says():
    draws = torch.Generator().manual_seed(1)
    found = []
    for _ in range(2000):
        ((_, one), (_, other)) = binary_gates(ALPHA, PAIR, draws)[0]
        assert sorted([one.item(), other.item()]) == pytest.approx([0.0, 1.0])
        found.append(one.item())
    assert sum(found) / len(found) == pytest.approx(0.25, abs=0.03)


def test_a_pair_is_two_different_operations():
    pairs = draw_pairs(ALPHA.expand(500, -1), torch.Generator().manual_seed(2))
    assert (pairs[:, 0] != pairs[:, 1]).all()
    # the first one is drawn from softmax(α): 1 : 3 : e
    share = (pairs[:, 0] == 1).float().mean().item()
    assert share == pytest.approx(3 / (4 + math.e), abs=0.06)


def test_the_shift_keeps_the_probability_of_what_was_not_sampled():
    """e^0 + e^ln3 = 4 before; a step to ln 2 and ln 6 makes it 8: both go down by ln 2."""
    logits = torch.tensor([[math.log(2.0), math.log(6.0), 1.0]])
    keep_the_others(logits, ALPHA, PAIR)
    assert logits[0].tolist() == pytest.approx([0.0, math.log(3.0), 1.0])
    moved = torch.tensor([[0.7, -0.4, 1.0]])
    keep_the_others(moved, ALPHA, PAIR)
    assert moved.softmax(1)[0, 2].item() == pytest.approx(ALPHA.softmax(1)[0, 2].item())
    assert (moved[0, 0] - moved[0, 1]).item() == pytest.approx(1.1)  # and what was learned stays


def test_latency_is_expected_over_the_pair_and_over_all_widths():
    alpha = torch.cat([ALPHA, torch.tensor([[0.0, 0.0, -torch.inf]])])
    p = over_pairs(alpha, PAIR)
    assert p[0].tolist() == pytest.approx([0.25, 0.75, 0.0])
    assert p[1].tolist() == pytest.approx([0.5, 0.5, 0.0])


def test_the_reward_by_hand():
    """Accuracy 0.9 at twice the reference, to the power ½: 0.9 / √2."""
    got = reward(torch.tensor([0.9, 0.8]), torch.tensor([2.0, 0.25]), 0.5)
    assert got.tolist() == pytest.approx([0.9 / math.sqrt(2), 1.6])
