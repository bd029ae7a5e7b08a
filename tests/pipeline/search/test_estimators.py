"""Estimators on a toy network whose loss is known for every path."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from models.mbconv import mbconv
from pipeline.params import SearchParams
from pipeline.search.estimators import ESTIMATORS, ReinforceCV, StraightThrough, TwoPath, estimator
from pipeline.search.estimators.reinforce import leave_one_out, losses_of

# One decision, three operations; the loss of the network is linear in the gates.
LOSSES = torch.tensor([3.0, 1.0, 2.0])


def space(depth=1, operations=("conv_k1", "conv_k3", "conv_k5")):
    return mbconv(
        input_shape=(1, 4, 4),
        classes=2,
        operations=operations,
        stem_width=2,
        stem_stride=1,
        widths=[2],
        depths=[depth],
        head_width=2,
        act="relu",
    )


def made(kind, params=None, **of_space):
    return kind(space(**of_space), params or SearchParams())


def loss_of(selection):
    total = torch.zeros(())
    for options in selection:
        for op, gate in options:
            total = total + LOSSES[op] * (1.0 if gate is None else gate)
    return total


def gradients(made_estimator, logits, draws):
    logits = logits.clone().requires_grad_()
    (loss,) = made_estimator.cross_entropy(logits[None], loss_of, draws)
    (gradient,) = torch.autograd.grad(loss, [logits])
    return loss.item(), gradient


def test_the_value_is_the_loss_of_the_active_path():
    draws = torch.Generator().manual_seed(0)
    for kind in (TwoPath, StraightThrough):
        for _ in range(20):
            value, _ = gradients(made(kind), torch.zeros(1, 3), draws)
            assert min(abs(value - loss) for loss in LOSSES.tolist()) < 1e-6


def test_two_path_gradient_by_hand():
    """Over a pair with renormalised p: dL/dα_i = p_i (L_i - Σ_j p_j L_j); 0 for the third."""
    logits = torch.tensor([[0.0, 1.0, -1.0]])
    draws = torch.Generator().manual_seed(1)
    for _ in range(20):
        _, gradient = gradients(made(TwoPath), logits, draws)
        pair = gradient[0].nonzero()[:, 0].tolist()
        assert len(pair) == 2
        p = logits[0, pair].softmax(0)
        expected = p * (LOSSES[pair] - (p * LOSSES[pair]).sum())
        assert gradient[0, pair].tolist() == pytest.approx(expected.tolist(), rel=1e-5)


def test_two_path_moves_towards_the_better_operation():
    logits = torch.zeros(1, 3)
    draws = torch.Generator().manual_seed(2)
    for _ in range(400):
        _, gradient = gradients(made(TwoPath), logits, draws)
        logits = logits - 0.1 * gradient
    assert logits[0].argmax() == LOSSES.argmin()


def test_two_path_never_runs_an_operation_that_is_not_offered():
    logits = torch.tensor([[0.0, -torch.inf, 0.5]])
    draws = torch.Generator().manual_seed(3)
    for _ in range(50):
        _, gradient = gradients(made(TwoPath), logits, draws)
        assert gradient[0, 1] == 0
        assert gradient.isfinite().all()


def test_straight_through_hears_only_the_operation_it_ran():
    """d/dα of L_i p_i: the sign is always against the operation that ran, however good it is."""
    draws = torch.Generator().manual_seed(4)
    for _ in range(20):
        value, gradient = gradients(made(StraightThrough), torch.zeros(1, 3), draws)
        ran = LOSSES.tolist().index(pytest.approx(value))
        p = 1 / 3
        expected = [value * p * ((j == ran) - p) for j in range(3)]
        assert gradient[0].tolist() == pytest.approx(expected, rel=1e-5)


PAIRS = torch.tensor([[0.3, 0.1, 0.2], [0.0, 0.5, 0.1], [0.4, 0.2, 0.9]])


def interacting(selection):
    """The loss of two decisions that an additive model cannot know."""
    (first, _), (second, _) = (options[0] for options in selection)
    return PAIRS[first, second]


EVERY_PATH = torch.tensor(list(product(range(3), repeat=2))).repeat(10, 1)


def reinforce(points=4):
    options = {"paths": 4, "points": points, "ridge": 1.0}
    return made(ReinforceCV, SearchParams(reinforce=options), depth=2)


def test_reinforce_is_unbiased_where_the_loss_is_not_additive():
    """Against the exact gradient of Σ_ij p_i q_j L_ij, whatever the control variate is."""
    torch.manual_seed(0)
    logits = torch.randn(2, 3)
    model = reinforce()
    model.model.add = lambda *_: None  # a control variate that is wrong, and stays so
    model.model.moment = torch.tensor([0.3, -0.2, 0.1, 0.5, 0.0, -0.4], dtype=torch.float64)
    alpha = logits.clone().requires_grad_()
    p = alpha.softmax(1)
    (exact,) = torch.autograd.grad((p[0][:, None] * p[1][None] * PAIRS).sum(), [alpha])
    draws, found = torch.Generator().manual_seed(5), []
    for _ in range(3000):
        at = logits.clone().requires_grad_()
        batch = at.expand(4, 2, 3)
        loss = model.cross_entropy(batch, interacting, draws).mean()
        found.append(torch.autograd.grad(loss, [at])[0])
    gradient = torch.stack(found)
    error = gradient.std(0) / len(found) ** 0.5
    assert ((gradient.mean(0) - exact).abs() <= 4 * error + 1e-7).all()
    assert exact.abs().max() > 10 * error.max()  # the test would see a wrong gradient


def test_the_control_variate_takes_the_variance_of_an_additive_loss_away():
    model = reinforce()
    draws = torch.Generator().manual_seed(6)

    def spread(estimator):
        found = []
        for _ in range(60):
            at = torch.zeros(2, 3, requires_grad=True)
            loss = estimator.cross_entropy(at.expand(4, 2, 3), loss_of, draws).mean()
            found.append(torch.autograd.grad(loss, [at])[0])
        return torch.stack(found).std(0).max().item()

    blind = reinforce()
    blind.model.add = lambda *_: None
    model.prepare(EVERY_PATH, losses_of(model.space, EVERY_PATH, loss_of))
    assert spread(model) < 0.2 * spread(blind)


def test_the_logged_value_is_the_mean_loss_of_the_paths():
    """With every logit equal and one operation per path the losses are those of the draws."""
    certain = torch.tensor([[0.0, -1e9, -1e9], [-1e9, -1e9, 0.0]])  # always (0, 2): 0.2
    value = reinforce(points=6).cross_entropy(
        certain.expand(6, 2, 3), interacting, torch.Generator().manual_seed(7)
    )
    assert value.mean().item() == pytest.approx(0.2)


def test_a_restored_estimator_goes_on_alike():
    one, other = reinforce(), reinforce()
    one.prepare(EVERY_PATH, losses_of(one.space, EVERY_PATH, interacting))
    other.restore(one.state())
    assert torch.equal(one.model.values, other.model.values)
    assert one.model.values.abs().max() > 0.05


def test_what_is_known_is_the_expectation_of_the_additive_model():
    model = reinforce()
    assert model.known(torch.zeros(1, 2, 3)).tolist() == [0.0]  # nothing was looked at
    model.prepare(EVERY_PATH, losses_of(model.space, EVERY_PATH, loss_of))
    certain = torch.full((3, 2, 3), -1e9)
    for op in range(3):
        certain[op, :, op] = 0.0
    known = model.known(certain)
    # two decisions of the same operation each; ridge 1 shrinks 30 rows a column a little
    assert (known - known.mean()).tolist() == pytest.approx([2.0, -2.0, 0.0], rel=0.05, abs=0.01)


def test_leave_one_out_by_hand():
    assert leave_one_out(torch.tensor([1.0, 2.0, 6.0])).tolist() == [-3.0, -1.5, 4.5]
    assert leave_one_out(torch.tensor([5.0])).tolist() == [0.0]


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="twice"):
        estimator("two-path")(TwoPath)
    assert set(ESTIMATORS) == {"reinforce-cv", "two-path", "straight-through"}


def expectation(logits):
    """Σ over all paths of p(path) · loss(path), in double precision."""
    p = logits.double().softmax(1)
    pairs = PAIRS.double()[: p.shape[1], : p.shape[1]]
    return float((p[0][:, None] * p[1][None] * pairs).sum())


def finite_differences(logits, step=1e-4):
    """The gradient of the exact expectation, by moving one logit at a time."""
    found = torch.zeros_like(logits)
    for index in np.ndindex(*logits.shape):
        up, down = logits.double().clone(), logits.double().clone()
        up[index] += step
        down[index] -= step
        found[index] = (expectation(up) - expectation(down)) / (2 * step)
    return found


def gated_loss(selection):
    """Linear in the gates of each of the two decisions, as a sum of outputs is."""
    first, second = selection
    return sum(
        PAIRS[i, j] * (1.0 if g is None else g) * (1.0 if h is None else h)
        for i, g in first
        for j, h in second
    )


def test_without_paths_all_networks_are_alike():
    model = made(TwoPath, SearchParams(), depth=2, operations=("conv_k1", "conv_k3"))
    assert model.known(torch.randn(3, 2, 2)).tolist() == [0.0] * 3


@pytest.mark.parametrize(
    ("name", "operations"),
    [
        ("reinforce-cv", 3),
        # of two operations; of more, the pair stands for a softmax over the pair alone
        ("two-path", 2),
    ],
)
def test_the_mean_gradient_is_that_of_the_exact_expectation(name, operations):
    torch.manual_seed(1)
    logits = torch.randn(2, operations)
    ops = ("conv_k1", "conv_k3", "conv_k5")[:operations]
    options = {"paths": 4, "points": 4, "prepared": 0}
    params = SearchParams(reinforce=options)
    model = made(ESTIMATORS[name], params, depth=2, operations=ops)
    draws, found = torch.Generator().manual_seed(8), []
    for _ in range(800):
        at = logits.clone().requires_grad_()
        loss = model.cross_entropy(at.expand(model.points, -1, -1), gated_loss, draws).mean()
        found.append(torch.autograd.grad(loss, [at])[0])
    gradient, expected = torch.stack(found), finite_differences(logits)
    error = gradient.std(0) / len(found) ** 0.5
    assert ((gradient.mean(0) - expected).abs() <= 4 * error + 1e-4).all()
    assert expected.abs().max() > 8 * error.max()  # the test would see a wrong gradient
