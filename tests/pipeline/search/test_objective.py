"""The objective on numbers that were worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from edge.table import Table, TableRow, UnknownBlock
from pipeline.search.objective import (
    Costs,
    expected_latency_ms,
    objective,
    one_hot,
    reg_costs,
    simplex_penalty,
)
from tests.pipeline.made_up import TARGET, small_benchmark, small_cells, small_space

OPS = ("skip", "sep_k3", "conv_k3")
SPACE = small_space(*OPS)
# Two decisions of three operations: 0, 1 and 3 ms; the rest of the network takes 2 ms.
COSTS = Costs(
    latency_ms=torch.tensor([[0.0, 1.0, 3.0], [0.0, 1.0, 3.0]])[..., None],
    offset_ms=torch.tensor(2.0),
    stage=torch.tensor([0, 0]),  # of no elastic stages: fixed
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
    costs = replace(COSTS, mask=mask)
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
    assert costs.latency_ms[..., 0].tolist() == pytest.approx(np.array([[0.0, 0.1, 0.3]] * 2))
    assert costs.offset_ms.item() == 2.0


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


def test_where_nothing_costs_anything_all_cost_alike():
    pools = small_benchmark("none", "skip", "avg_pool_k3")
    assert set(reg_costs(pools, "params").flatten().tolist()) == {1.0}


def test_uniform_regularisation_costs_are_one():
    assert reg_costs(SPACE, "uniform").tolist() == [[1.0] * 3] * 2


# One stage of two widths, of two places, behind one of a fixed width with one place. In ms:
ELASTIC = Costs(
    latency_ms=torch.tensor(
        [
            [[0.0, 0.0], [1.0, 0.0]],  # the fixed stage: skip, dense
            [[0.0, 0.0], [2.0, 6.0]],  # the elastic one, narrow and wide
            [[0.0, 0.0], [2.0, 6.0]],
        ]
    ),
    offset_ms=torch.tensor([3.0, 5.0]),
    stage=torch.tensor([1, 0, 0]),
    reg=torch.ones(3, 2),
    mask=torch.ones(4, 2, dtype=torch.bool),
)


def test_with_an_elastic_width_the_latency_is_multilinear():
    p = torch.tensor([[0.5, 0.5], [0.0, 1.0], [0.75, 0.25], [0.25, 0.75]])
    # the offset 3/4 + 15/4, the fixed block 1/2, the others (1 + 1/4) (2/4 + 18/4)
    assert expected_latency_ms(p, ELASTIC).item() == pytest.approx(4.5 + 0.5 + 1.25 * 5)


def test_of_certain_choices_it_is_the_sum_of_the_table():
    wide, narrow = ((1, 1, 0, w) for w in (1, 0))
    assert expected_latency_ms(one_hot(wide, ELASTIC), ELASTIC).item() == 5 + 1 + 6
    assert expected_latency_ms(one_hot(narrow, ELASTIC), ELASTIC).item() == 3 + 1 + 2


def test_two_elastic_widths_share_the_offset():
    costs = replace(
        ELASTIC,
        offset_ms=torch.tensor([[1.0, 2.0], [3.0, 6.0]]),
        stage=torch.tensor([0, 1, 2]),
        latency_ms=torch.zeros(3, 2, 2),
    )
    p = torch.tensor([[1.0, 0.0]] * 3 + [[0.5, 0.5], [0.25, 0.75]])
    # (1/4 + 6/4) / 2 + (3/4 + 18/4) / 2, also for a batch
    assert expected_latency_ms(p, costs).item() == pytest.approx(1.75 / 2 + 5.25 / 2)
    assert expected_latency_ms(p.expand(3, -1, -1), costs).tolist() == pytest.approx([3.5] * 3)


def test_widths_are_not_penalised():
    p = torch.tensor([[0.5, 0.5], [0.0, 1.0], [0.5, 0.5], [0.25, 0.75]])
    penalty = simplex_penalty(p, torch.tensor([0.25, 0.75]), ELASTIC)
    assert penalty.item() == pytest.approx((0.5 + 0.75 + 0.5) / 3)


def test_prices_of_an_elastic_space_come_from_the_table():
    space = small_space("skip", "conv_k3", stem_width=None, widths=[(2, 4), 8], depths=[1, 1])
    ms = {"2x4x4-2": 0.1, "4x4x4-4": 0.3, "8x2x2-8": 0.7}
    rows = table([(b, ms[b.key.split(":")[1]]) for b in space.blocks]).rows
    trunks = [space.architecture((0, 0, w)).trunk for w in (0, 1)]
    costs = Costs.of(
        space, Table(TARGET, 2.0, rows, dict(zip(trunks, [2.0, 5.0], strict=True))), "uniform"
    )
    assert costs.latency_ms[:, 1].tolist() == [
        pytest.approx([0.1, 0.3]),  # narrow, wide
        pytest.approx([0.7, 0.0]),  # of the fixed stage there is one
    ]
    assert costs.offset_ms.tolist() == [2.0, 5.0]
    assert costs.stage.tolist() == [0, 1]
    assert costs.mask.tolist() == [[True, True]] * 3


def test_a_tied_decision_costs_the_sum_of_its_places_and_a_share_of_the_additions():
    """Two cells of 2 and 4 channels; the edges 1-2 and 0-2 share one addition, the three into the
    last node two."""
    cells = small_benchmark("none", "skip", "relu_conv_k1")
    ms = {("add", 2): 0.3, ("add", 4): 0.6, ("relu_conv_k1", 2): 1.0, ("relu_conv_k1", 4): 5.0}
    rows = table([(block, ms[block.op, block.in_channels]) for block in cells.blocks])
    costs = Costs.of(cells, rows, "uniform")
    assert costs.offset_ms == 2.0
    assert costs.latency_ms[0, :, 0].tolist() == pytest.approx([0, 0, 6])
    assert costs.latency_ms[2, :, 0].tolist() == pytest.approx([0, 0.45, 6.45])
    assert costs.latency_ms[5, :, 0].tolist() == pytest.approx([0, 0.6, 6.6])


def test_parameters_of_a_tied_decision_are_those_of_all_its_places():
    """A 1x1 convolution with its norm: 2·2 + 4 and 4·4 + 8, so 32; the mean over three is 32/3."""
    cells = small_benchmark("none", "skip", "relu_conv_k1")
    assert reg_costs(cells, "params")[0].tolist() == pytest.approx([0.1, 0.1, 3.0])


def test_what_no_decision_is_about_belongs_to_the_fixed_part():
    """A cell reads the stem twice through 1x1 convolutions of 4 ms, and ends in 7 ms."""
    cells = small_cells("skip", "relu_conv_k3", stem_width=6, cells=1)
    ms = {"relu_conv_k1": 4.0, "concat_2": 7.0, "add": 1.0, "relu_conv_k3": 3.0}
    costs = Costs.of(cells, table([(b, ms[b.op]) for b in cells.blocks]), "uniform")
    assert costs.offset_ms == 2.0 + 2 * 4.0 + 7.0
    assert costs.latency_ms[..., 0].tolist() == [[0.5, 3.5]] * 5
    choices = (1, 0, 1, 0, 2)  # of the second node two edges: 3 + 0 + 1, twice
    network = cells.architecture(choices)
    one = one_hot(choices, costs)
    assert expected_latency_ms(one, costs).item() == pytest.approx(17 + 8)
    assert table([(b, ms[b.op]) for b in cells.blocks]).sum_ms(network) == pytest.approx(17 + 8)
