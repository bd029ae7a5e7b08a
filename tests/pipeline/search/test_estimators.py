"""Estimators on a toy network whose loss is known for every path."""

from __future__ import annotations

import pytest
import torch

from pipeline.search.estimators import ESTIMATORS, estimator, straight_through, two_path

# One decision, three operations; the loss of the network is linear in the gates.
LOSSES = torch.tensor([3.0, 1.0, 2.0])


def loss_of(selection):
    total = torch.zeros(())
    for options in selection:
        for op, gate in options:
            total = total + LOSSES[op] * (1.0 if gate is None else gate)
    return total


def gradients(estimate, logits, draws):
    logits = logits.clone().requires_grad_()
    loss = estimate(logits, loss_of, draws)
    (gradient,) = torch.autograd.grad(loss, [logits])
    return loss.item(), gradient


def test_the_value_is_the_loss_of_the_active_path():
    draws = torch.Generator().manual_seed(0)
    for estimate in (two_path, straight_through):
        for _ in range(20):
            value, _ = gradients(estimate, torch.zeros(1, 3), draws)
            assert min(abs(value - loss) for loss in LOSSES.tolist()) < 1e-6


def test_two_path_gradient_by_hand():
    """Over a pair with renormalised p: dL/dα_i = p_i (L_i - Σ_j p_j L_j); 0 for the third."""
    logits = torch.tensor([[0.0, 1.0, -1.0]])
    draws = torch.Generator().manual_seed(1)
    for _ in range(20):
        _, gradient = gradients(two_path, logits, draws)
        pair = gradient[0].nonzero()[:, 0].tolist()
        assert len(pair) == 2
        p = logits[0, pair].softmax(0)
        expected = p * (LOSSES[pair] - (p * LOSSES[pair]).sum())
        assert gradient[0, pair].tolist() == pytest.approx(expected.tolist(), rel=1e-5)


def test_two_path_moves_towards_the_better_operation():
    logits = torch.zeros(1, 3)
    draws = torch.Generator().manual_seed(2)
    for _ in range(400):
        _, gradient = gradients(two_path, logits, draws)
        logits = logits - 0.1 * gradient
    assert logits[0].argmax() == LOSSES.argmin()


def test_two_path_never_runs_an_operation_that_is_not_offered():
    logits = torch.tensor([[0.0, -torch.inf, 0.5]])
    draws = torch.Generator().manual_seed(3)
    for _ in range(50):
        _, gradient = gradients(two_path, logits, draws)
        assert gradient[0, 1] == 0
        assert gradient.isfinite().all()


def test_straight_through_hears_only_the_operation_it_ran():
    """d/dα of L_i p_i: the sign is always against the operation that ran, however good it is."""
    draws = torch.Generator().manual_seed(4)
    for _ in range(20):
        value, gradient = gradients(straight_through, torch.zeros(1, 3), draws)
        ran = LOSSES.tolist().index(pytest.approx(value))
        p = 1 / 3
        expected = [value * p * ((j == ran) - p) for j in range(3)]
        assert gradient[0].tolist() == pytest.approx(expected, rel=1e-5)


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="twice"):
        estimator("two-path")(two_path)
    assert set(ESTIMATORS) >= {"two-path", "straight-through"}
