import math

import pytest
import torch

from models.hyperbodies import BODIES, body

K = 2  # operations
OPTIONS = {"hidden": (4,), "knots": 3, "width": 0.5}


def inputs(*rows):
    """(S_1, S_2, place of the price) as a hypernetwork passes them on."""
    x = torch.tensor(rows)
    return torch.cat([x[:, :-1] * K - 1, x[:, -1:]], 1)


@pytest.mark.parametrize("kind", BODIES)
def test_every_kind_starts_at_zero(kind):
    net = BODIES[kind](K, 5, **OPTIONS)
    assert torch.equal(net(inputs((0.2, 0.8, 0.3), (1.0, 0.0, -1.0))), torch.zeros(2, 5))


def test_a_constant_is_deaf_to_everything():
    assert list(BODIES["constant"](K, 5, **OPTIONS).parameters()) == []


def test_between_knots_it_is_linear():
    net = BODIES["piecewise-linear"](K, 2, **OPTIONS)
    with torch.no_grad():
        net.tables.copy_(torch.tensor([[0.0, 4.0], [2.0, 0.0], [10.0, 0.0]]))
    places = [-1.0, -0.5, 0.0, 0.25, 1.0, 3.0]  # the knots are at -1, 0 and 1
    found = net(inputs(*[(0.5, 0.5, place) for place in places]))
    assert found.tolist() == [[0, 4], [1, 2], [2, 0], [4, 0], [10, 0], [10, 0]]


def test_it_is_deaf_to_the_point():
    net = BODIES["piecewise-linear"](K, 2, **OPTIONS)
    torch.nn.init.normal_(net.tables)
    one, other = net(inputs((0.1, 0.9, 0.3), (0.9, 0.1, 0.3)))
    assert torch.equal(one, other)


def test_references_are_weighted_by_their_distance():
    net = BODIES["pivots"](K, 1, **OPTIONS)
    assert net.pivots.tolist() == [
        *([0.5, 0.5, -0.5], [1, 0, -0.5], [0, 1, -0.5]),
        *([0.5, 0.5, 0.5], [1, 0, 0.5], [0, 1, 0.5]),
    ]
    with torch.no_grad():
        net.tables.copy_(torch.tensor([[0.0], [1.0], [0.0], [0.0], [1.0], [0.0]]))
    # At the first vertex, in the middle of the prices: squares 1/2, 0 and 2, plus 1/4 each; the
    # weights are those of both ends, so that the price makes no difference here.
    near, far = math.exp(-0.5 / 0.5), math.exp(-2 / 0.5)
    found = net(inputs((1.0, 0.0, 0.0))).item()
    assert found == pytest.approx(1 / (1 + near + far), rel=1e-5)


def test_references_hear_the_price():
    net = BODIES["pivots"](K, 1, **OPTIONS)
    with torch.no_grad():
        net.tables[3:] = 1.0  # the upper end
    low, high = net(inputs((0.5, 0.5, -1.0), (0.5, 0.5, 1.0))).flatten().tolist()
    # squares 0 and 1 at either end: e^0 against e^-2
    assert high == pytest.approx(1 / (1 + math.exp(-2)), rel=1e-5)
    assert low == pytest.approx(1 - high, rel=1e-5)


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="registered twice"):
        body("mlp")(lambda: None)
