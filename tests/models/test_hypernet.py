import numpy as np
import pytest
import torch

from models.hypernet import HyperNetwork

# Three decisions; the second offers two operations only, the third one.
MASK = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [0, 1, 0, 0]], dtype=bool)


def hypernet(kappa_range=(0.1, 10.0), **options):
    torch.manual_seed(0)
    return HyperNetwork(MASK, 4, 3, kappa_range=kappa_range, **options)


def points(count, kappa=1.0):
    """Random points of the simplex, all at one price."""
    generator = torch.Generator().manual_seed(0)
    simplex = torch.rand(count, 4, generator=generator)
    return simplex / simplex.sum(1, keepdim=True), torch.full((count,), kappa)


def trained(net, scale=1.0):
    """Any weights: as if it had learned something."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.uniform_(-scale, scale, generator=generator)
    return net


def test_it_starts_uniform_over_what_each_decision_offers():
    logits = hypernet()(*points(5))
    expected = torch.tensor([[1 / 4] * 4, [1 / 2, 0, 1 / 2, 0], [0, 1, 0, 0]])
    torch.testing.assert_close(logits.softmax(-1), expected.expand(5, 3, 4))


def test_a_masked_operation_never_gets_mass():
    probabilities = trained(hypernet(), scale=100.0)(*points(50)).softmax(-1)
    assert probabilities.isfinite().all()
    assert probabilities[:, ~torch.tensor(MASK)].abs().max() == 0
    torch.testing.assert_close(probabilities.sum(-1), torch.ones(50, 3))


@pytest.mark.parametrize("bound", [1.0, 8.0])
def test_logits_are_bounded(bound):
    logits = trained(hypernet(bound=bound), scale=100.0)(*points(50))[:, torch.tensor(MASK)]
    assert logits.abs().max() <= bound
    assert logits.abs().max() > 0.99 * bound


def test_small_logits_are_left_as_they_are():
    net = hypernet(bound=8.0)
    with torch.no_grad():
        net.bias.fill_(0.1)
    logits = net(*points(1))[:, torch.tensor(MASK)]
    torch.testing.assert_close(logits, torch.full_like(logits, 0.1), rtol=1e-4, atol=0)


def seen_by_the_body(net, simplex, kappa):
    seen = []
    handle = net.body.register_forward_hook(lambda _body, inputs, _output: seen.append(inputs[0]))
    net(simplex, kappa)
    handle.remove()
    return seen[0]


def test_points_are_centred_and_prices_run_from_minus_one_to_one():
    """At the simplex' centre every share is 1/4; the price is even on a logarithmic scale."""
    kappa = torch.tensor([0.1, 1.0, 10.0])
    inputs = seen_by_the_body(hypernet((0.1, 10.0)), torch.full((3, 4), 1 / 4), kappa)
    expected = torch.tensor([[0.0, 0, 0, 0, -1], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1]])
    torch.testing.assert_close(inputs, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kappa", [0.13, 0.4, 1.0, 2.71, 4.2])
def test_one_fixed_price_is_no_price_at_all(kappa):
    """Also where the logarithms of the two ends differ by a rounding: 0.13, 0.4."""
    inputs = seen_by_the_body(hypernet((kappa, kappa)), *points(2, kappa))
    assert inputs[:, -1].tolist() == [0.0, 0.0]


def test_logits_depend_on_the_point_and_on_the_price():
    net, (simplex, _) = trained(hypernet()), points(2)
    low, high = torch.full((2,), 0.2), torch.full((2,), 5.0)
    offered = torch.tensor(MASK)
    assert not torch.equal(net(simplex, low)[0, offered], net(simplex, low)[1, offered])
    assert not torch.equal(net(simplex, low)[0, offered], net(simplex, high)[0, offered])


def test_a_point_is_read_alone_as_in_a_batch():
    net, (simplex, kappa) = trained(hypernet()), points(3)
    together, alone = net(simplex, kappa)[1:2], net(simplex[1:2], kappa[1:2])
    torch.testing.assert_close(together, alone)


def test_the_first_step_moves_offered_logits_only():
    net = hypernet()
    net(*points(5)).softmax(-1)[:, 0, 0].sum().backward()
    grad = net.bias.grad.view(3, 4)
    assert (grad[0] != 0).all()
    assert (grad[1:] == 0).all()


def test_a_checkpoint_holds_the_mask_and_the_range():
    net = trained(hypernet((0.5, 2.0)))
    other = HyperNetwork(np.ones((3, 4), dtype=bool), 4, 3, kappa_range=(1.0, 1.0))
    other.load_state_dict(net.state_dict())
    assert torch.equal(other(*points(3)), net(*points(3)))


def test_the_mask_is_a_copy():
    mask = MASK.copy()
    net = HyperNetwork(mask, 4, 3, kappa_range=(0.1, 10.0))
    mask[:] = True
    assert net.mask.tolist() == MASK.tolist()


def test_hidden_layers_have_the_given_units():
    shapes = [tuple(p.shape) for p in hypernet(hidden=(6, 5)).body.parameters()]
    assert shapes == [(6, 5), (6,), (5, 6), (5,), (12, 5)]
