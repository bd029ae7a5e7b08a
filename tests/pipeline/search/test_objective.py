"""The objective on numbers that were worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edge.table import Table, TableRow, UnknownBlock
from pipeline.search.objective import (
    Costs,
    expected_latency_ms,
    objective,
    reg_costs,
    simplex_penalty,
)
from tests.pipeline.made_up import TARGET, small_space

OPS = ("skip", "sep_k3", "conv_k3")
SPACE = small_space(*OPS)
# Two decisions of three operations: 0, 1 and 3 ms; the rest of the network takes 2 ms.
COSTS = Costs(
    latency_ms=torch.tensor([[0.0, 1.0, 3.0], [0.0, 1.0, 3.0]]),
    offset_ms=2.0,
    reg=torch.ones(2, 3),
    mask=torch.ones(2, 3, dtype=torch.bool),
)


def table(blocks):
    rows = {
        block.key: TableRow(latency, latency, latency, 10, "clean", "2026-01-01T00:00:00+00:00")
        for block, latency in blocks
    }
    return Table(TARGET, 2.0, rows)


def test_expected_latency_is_the_offset_and_the_mean_of_every_decision():
    p = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    assert expected_latency_ms(p, COSTS).item() == pytest.approx(2 + 0.5 + 3)


def test_the_reference_is_the_uniform_architecture():
    assert COSTS.reference_ms == pytest.approx(2 + 2 * (0 + 1 + 3) / 3)


def test_the_reference_is_uniform_over_what_is_offered():
    mask = torch.tensor([[True, True, False], [True, True, True]])
    costs = Costs(COSTS.latency_ms, 2.0, COSTS.reg, mask)
    assert costs.reference_ms == pytest.approx(2 + 1 / 2 + 4 / 3)


def test_the_penalty_is_the_mean_over_decisions_of_what_s_dislikes():
    p = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    simplex = torch.tensor([0.2, 0.3, 0.5])
    assert simplex_penalty(p, simplex, COSTS).item() == pytest.approx((0.25 + 0.5) / 2)


def test_at_the_centre_the_uniform_penalty_has_no_direction():
    centre = torch.full((3,), 1 / 3)
    one = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    other = torch.tensor([[0.0, 0.0, 1.0], [0.2, 0.2, 0.6]])
    assert simplex_penalty(one, centre, COSTS) == pytest.approx(
        simplex_penalty(other, centre, COSTS).item()
    )


def test_the_objective_by_hand():
    p = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    simplex, kappa = torch.tensor([0.2, 0.3, 0.5]), torch.tensor(0.25)
    got = objective(torch.tensor(1.2), p, simplex, kappa, COSTS, reg_weight=0.4)
    latency = 5.5 / (2 + 8 / 3)
    assert got.item() == pytest.approx((1.2 + 0.25 * latency) / 1.25 + 0.4 * 0.375)


def test_latencies_come_from_the_table_and_skip_is_free():
    blocks = (
        [b for b in SPACE.blocks if b.op == "sep_k3"],
        [b for b in SPACE.blocks if b.op == "conv_k3"],
    )
    costs = Costs.of(SPACE, table([(blocks[0][0], 0.1), (blocks[1][0], 0.3)]), "uniform")
    assert costs.latency_ms.tolist() == pytest.approx(np.array([[0.0, 0.1, 0.3]] * 2))
    assert costs.offset_ms == 2.0


def test_a_block_that_was_not_profiled_is_an_error():
    with pytest.raises(UnknownBlock, match="profile"):
        Costs.of(SPACE, table([]), "uniform")


@pytest.mark.parametrize(
    ("kind", "sep", "dense"),
    [
        # sep_k3 on 4 channels: 36 + 16 weights and 2 x 8 of BatchNorm; dense: 144 + 8
        ("params", 36 + 16 + 16, 144 + 8),
        ("macs", (36 + 16) * 16, 144 * 16),  # on 4 x 4 pixels
    ],
)
def test_regularisation_costs_have_mean_one_and_a_floor_for_skip(kind, sep, dense):
    mean = (0 + sep + dense) / 3
    expected = [0.1, max(0.1, sep / mean), dense / mean]
    assert reg_costs(SPACE, kind)[0].tolist() == pytest.approx(expected, rel=1e-5)


def test_uniform_regularisation_costs_are_one():
    assert reg_costs(SPACE, "uniform").tolist() == [[1.0] * 3] * 2
