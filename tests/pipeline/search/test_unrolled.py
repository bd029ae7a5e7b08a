"""The gradient of DARTS against exact derivatives of small losses."""

import pytest
import torch

from pipeline.search.unrolled import unrolled_gradient


def test_by_hand_where_the_losses_are_quadratic():
    """learned = (w − α)² / 2, held out = (w − 3)² / 2 + α², α = 1, w = 2, ξ = 0.1:
    w' = 2 − 0.1 (2 − 1) = 1.9, and d/dα = 2 α + (w' − 3) ∂w'/∂α = 2 + (−1.1) (0.1) = 1.89."""
    w, alpha = torch.tensor([2.0], requires_grad=True), torch.tensor([1.0], requires_grad=True)
    (gradient,) = unrolled_gradient(
        [w],
        [alpha],
        lambda: ((w - alpha) ** 2 / 2).sum(),
        lambda: ((w - 3) ** 2 / 2 + alpha**2).sum(),
        xi=0.1,
    )
    assert gradient.item() == pytest.approx(1.89, abs=1e-4)
    assert w.tolist() == [2.0]


def tiny():
    """A layer whose two candidate activations are mixed by softmax(α), in double precision."""
    torch.manual_seed(0)
    first, last = (torch.randn(3, 3, dtype=torch.float64) / 2 for _ in range(2))
    alpha = torch.randn(2, dtype=torch.float64)
    x, y = torch.randn(2, 8, 3, dtype=torch.float64), torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])

    def loss(part, weights, alpha):
        a, b = weights
        p = alpha.softmax(0)
        hidden = x[part] @ a
        mixed = p[0] * hidden.tanh() + p[1] * hidden.sigmoid()
        return torch.nn.functional.cross_entropy(mixed @ b, y)

    return [first.requires_grad_(), last.requires_grad_()], alpha.requires_grad_(), loss


def test_second_order_agrees_with_the_exact_hessian_vector_product():
    """The exact one differentiates through the step that the weights take."""
    weights, alpha, loss = tiny()
    xi = 0.5
    inner = torch.autograd.grad(loss(0, weights, alpha), weights, create_graph=True)
    ahead = [weight - xi * step for weight, step in zip(weights, inner, strict=True)]
    (exact,) = torch.autograd.grad(loss(1, ahead, alpha), [alpha])
    (first_order,) = torch.autograd.grad(loss(1, weights, alpha), [alpha])
    (found,) = unrolled_gradient(
        weights, [alpha], lambda: loss(0, weights, alpha), lambda: loss(1, weights, alpha), xi
    )
    assert found.tolist() == pytest.approx(exact.tolist(), rel=1e-3)
    assert (first_order - exact).abs().max() > 0.05 * exact.abs().max()  # it is something else


def test_without_a_step_ahead_it_is_the_first_order():
    weights, alpha, loss = tiny()
    (exact,) = torch.autograd.grad(loss(1, weights, alpha), [alpha])
    (found,) = unrolled_gradient(
        weights, [alpha], lambda: loss(0, weights, alpha), lambda: loss(1, weights, alpha), xi=0.0
    )
    assert torch.equal(found, exact)


def test_a_weight_that_does_not_take_part_stays_and_changes_nothing():
    weights, alpha, loss = tiny()
    idle = torch.ones(4, dtype=torch.float64, requires_grad=True)
    before = [weight.detach().clone() for weight in weights]
    ways = [
        unrolled_gradient(
            taken, [alpha], lambda: loss(0, weights, alpha), lambda: loss(1, weights, alpha), 0.3
        )[0]
        for taken in (weights, [*weights, idle])
    ]
    assert ways[0].tolist() == pytest.approx(ways[1].tolist(), rel=1e-9)
    assert idle.tolist() == [1.0] * 4
    assert all(torch.equal(a, b) for a, b in zip(weights, before, strict=True))


def test_the_weights_are_put_back_when_a_loss_fails():
    weights, alpha, loss = tiny()
    before = weights[0].detach().clone()

    def broken():
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="memory"):
        unrolled_gradient(weights, [alpha], lambda: loss(0, weights, alpha), broken, 0.3)
    assert torch.equal(weights[0], before)
