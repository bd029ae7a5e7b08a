"""Searches in spaces whose networks branch and whose decisions are tied."""

import pytest
import torch

from pipeline.search.methods import METHODS
from pipeline.search.objective import Costs, expected_latency_ms, one_hot
from pipeline.search.prices import extreme, latency_ms
from pipeline.search.warmup import warmup_shares
from tests.pipeline.made_up import small_benchmark, small_cells
from tests.pipeline.search.test_methods import costs_of, data, params_of, run, search_for

__all__ = ["data"]  # a fixture

BENCHMARK = small_benchmark(
    "skip", "none", "relu_conv_k1", "relu_conv_k3", "avg_pool_k3", classes=2, stem_stride=2
)
CELLS = small_cells("skip", "relu_conv_k1", "max_pool_bn_k3", classes=2, stem_stride=2)
SPACES = {"nb201": BENCHMARK, "cell": CELLS}


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES.keys())
@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, {}) for name in sorted(METHODS)),
        ("simplex", {"estimator": "two-path"}),
        ("simplex", {"estimator": "straight-through"}),
        ("darts", {"darts": {"order": 2}}),
    ],
)
def test_every_method_derives_networks_of_the_space(space, name, options, data, tmp_path):
    search = search_for(space, data, params_of(name, kappa=(0.05, 5.0), **options))
    alpha = run(search, tmp_path / "c.pt").alpha
    points = torch.full((2, len(space.operations)), 1 / len(space.operations))
    p = alpha(points, torch.tensor([0.05, 5.0])).softmax(-1)
    torch.testing.assert_close(p.sum(-1), torch.ones(p.shape[:2]))
    assert not p[:, ~torch.from_numpy(space.mask)].any()
    for one in p.detach().numpy():
        choices = space.derive(one)
        assert space.canonical(choices) == choices
        assert space.architecture(choices).rows[0].place == "stem"  # the image reaches the end


def test_the_fastest_cell_is_free_and_the_slowest_has_the_dearest_operations():
    """Prices 0 for skip and none, then 1, 3 and 2 ms on every edge."""
    latency = torch.tensor([0.0, 0.0, 1.0, 3.0, 2.0]).expand(6, 5)[..., None]
    mask = torch.from_numpy(BENCHMARK.mask)
    costs = Costs(latency, torch.tensor(2.0), torch.zeros(6, dtype=int), torch.ones(6, 5), mask)
    assert extreme(BENCHMARK, costs, dearest=True) == (3,) * 6
    fastest = extreme(BENCHMARK, costs, dearest=False)
    assert latency_ms(fastest, costs) == 2.0


def test_the_slowest_of_darts_has_the_two_dearest_edges_of_every_node():
    """Edge e costs 1 + e ms with the second operation: of edges 2, 3, 4 the last two stay."""
    latency = torch.zeros(10, 3, 1)
    latency[:, 1, 0] = 1 + torch.arange(10.0)
    mask = torch.from_numpy(CELLS.mask)
    costs = Costs(latency, torch.tensor(0.5), torch.zeros(10, dtype=int), torch.ones(10, 3), mask)
    slowest = extreme(CELLS, costs, dearest=True)
    assert slowest == (1, 1, 3, 1, 1, 1, 1, 3, 1, 1)
    assert latency_ms(slowest, costs) == 0.5 + (1 + 2 + 4 + 5) + (6 + 7 + 9 + 10)
    assert expected_latency_ms(one_hot(slowest, costs), costs) == 0.5 + 44


def test_what_has_no_weights_is_drawn_as_often_as_what_has_some():
    shares = warmup_shares(BENCHMARK, 0.1)[0]
    assert shares.tolist() == pytest.approx([0.1, *[0.225] * 4])


def test_prices_of_a_space_of_cells_fit_its_decisions():
    for space in SPACES.values():
        costs = costs_of(space)
        assert costs.latency_ms.shape == (len(space.decisions), len(space.operations), 1)
        assert costs.reference_ms > 0
