from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from edge import weights
from edge.spec import BlockSpec
from pipeline.params import ProfileParams
from pipeline.roster import Chain, SpaceTooSmall, cheapest, repeats, roster, tilted
from tests.pipeline.made_up import small_benchmark, small_cells, small_space

OPERATIONS = ("skip", "sep_k3", "mbconv_k3_e3", "conv_k3")


def two_stages(operations=OPERATIONS):
    return small_space(*operations, widths=[4, 8], depths=[3, 3])


def networks(params, space=None):
    return [m for m in roster(space or two_stages(), params) if not isinstance(m, Chain)]


def test_every_block_is_timed_once_and_three_times_in_a_row():
    space = two_stages()
    chains = [m for m in roster(space, ProfileParams()) if isinstance(m, Chain)]
    assert [(c.block, c.repeat) for c in chains] == [(b, n) for b in space.blocks for n in (1, 3)]


@pytest.mark.parametrize(("channels", "entry_channels"), [(4, 1), (1, 2)])
def test_the_input_of_a_chain_is_in_no_residual_sum(channels, entry_channels):
    block = BlockSpec("sep_k3", channels, channels, 6, 5)
    entry, *copies = (layer.block for layer in Chain(block, 3).layers)
    assert entry == BlockSpec("conv_k1", entry_channels, channels, 6, 5)
    assert not entry.residual
    assert copies == [block] * 3


@pytest.mark.parametrize(
    ("block", "lengths", "layers"),
    [
        (BlockSpec("avg_pool_k3", 4, 4, 6, 6), (1, 3), [(-1,), (0,), (1,), (2,)]),
        (BlockSpec("add", 4, 4, 6, 6), (1, 3), [(-1,), (0, 0), (1, 0), (2, 0)]),
        (BlockSpec("concat_3", 4, 12, 6, 6), (0, 1), [(-1,), (0, 0, 0)]),
        (BlockSpec("relu_conv_k1", 12, 4, 6, 6), (0, 1), [(-1,), (0,)]),
        (BlockSpec("skip", 4, 4, 6, 6, 2), (0, 1), [(-1,), (0,)]),
    ],
    ids=lambda one: getattr(one, "op", None),
)
def test_a_block_that_cannot_follow_itself_is_timed_behind_its_entry_alone(block, lengths, layers):
    assert repeats(block) == lengths
    assert [sources for _, sources in Chain(block, lengths[1]).layers] == layers
    assert Chain(block, 0).subject("5ha").repeat == 0


def test_the_base_of_a_benchmark_is_its_fixed_layers():
    space = small_benchmark("none", "skip", "relu_conv_k1", "relu_conv_k3", "avg_pool_k3")
    base = networks(ProfileParams(anchors=1, heldout=1), space)[0]
    assert [block.op for block, _ in base.layers] == ["stem_k3", "resnet_k3", "norm_head"]


def test_the_base_of_cells_reduces_as_seldom_as_it_can():
    """Skips inside, and where a stride allows none, no edge or pooling."""

    def ops(*operations):
        space = small_cells(*operations, cells=2)
        base = networks(ProfileParams(anchors=1, heldout=1), space)[0]
        return Counter(row.block.op for row in base.architecture.rows if "-" in row.place)

    # two reducing cells of nodes with two edges: from outside 2 + 1 or 2 + 2, the rest from node 1
    three = ops("relu_conv_k3", "max_pool_bn_k3", "skip")
    assert three["relu_conv_k3"] == 0
    assert three["max_pool_bn_k3"] >= 3 * 2
    # the first node has to read something: the cell before; the second skips from the first
    assert ops("none", "relu_conv_k3", "skip") == {"skip": 2 * 2}


def test_the_records_say_what_was_timed():
    first, *_, last = roster(two_stages(), ProfileParams(anchors=1, heldout=1))
    subject = first.subject("5ha")
    assert (subject.kind, subject.block, subject.repeat) == ("chain", first.block.key, 1)
    subject = last.subject("5ha")
    assert (subject.kind, subject.role, subject.name) == ("network", "heldout", "heldout-01")
    assert subject.read_architecture() == last.architecture


def test_the_base_skips_wherever_it_can():
    base = networks(ProfileParams())[0]
    assert (base.role, base.architecture.op_counts) == ("base", {"skip": 6})
    assert len(base.layers) == 3  # stem, transition, head: a skip does not run


def test_every_choice_of_widths_has_a_base():
    space = small_space(*OPERATIONS, stem_width=None, widths=[(2, 4), (4, 8)], depths=[1, 1])
    found = [n for n in networks(ProfileParams(), space) if n.role == "base"]
    assert [n.name for n in found] == [
        *("base-width_2-width_4", "base-width_2-width_8"),
        *("base-width_4-width_4", "base-width_4-width_8"),
    ]
    assert len({n.architecture.trunk for n in found}) == 4
    assert all(n.architecture.op_counts == {"skip": 2} for n in found)
    assert cheapest(space) == (0, 0, 0, 0)


def test_anchors_have_all_widths():
    space = small_space(*OPERATIONS, stem_width=None, widths=[(2, 4), (4, 8)], depths=[3, 3])
    anchors = [n for n in networks(ProfileParams(anchors=30), space) if n.role == "anchor"]
    assert len({n.architecture.trunk for n in anchors}) == 4


def test_anchors_are_of_every_size_and_still_by_chance():
    """One of each tenth of many networks: random ones often leave the largest third out."""
    space = two_stages()
    draws = np.random.default_rng(1)
    many = [weights.touched_by(space.architecture(tilted(space, draws))) for _ in range(2000)]
    tenths = np.quantile(many, np.linspace(0, 1, 11))
    for seed in range(3):
        found = networks(ProfileParams(anchors=10, heldout=0, seed=seed), space)[1:]
        sizes = [weights.touched_by(one.architecture) for one in found]
        assert sizes == sorted(sizes)
        assert max(np.abs(np.searchsorted(tenths[1:-1], sizes) - np.arange(10))) <= 1
    assert len({networks(ProfileParams(seed=seed))[-25].architecture.key for seed in range(5)}) > 1


def test_without_skip_the_base_has_the_fewest_macs():
    # 4 channels on 4 x 4: sep_k3 4 (9 + 4) 16, mbconv_k3_e3 12 (4 + 9 + 4) 16, conv_k1 4 4 16
    space = two_stages(["mbconv_k3_e3", "sep_k3", "conv_k1"])
    assert cheapest(space) == (2,) * 6


def test_all_networks_differ():
    drawn = networks(ProfileParams(anchors=20, heldout=20))
    assert [n.role for n in drawn] == ["base"] + ["anchor"] * 20 + ["heldout"] * 20
    assert len({n.architecture.key for n in drawn}) == 41


def test_more_held_out_networks_leave_the_anchors_alone():
    few, many = (networks(ProfileParams(anchors=5, heldout=n)) for n in (2, 30))
    assert few == many[:8]


def test_another_seed_draws_other_networks():
    one, other = (networks(ProfileParams(seed=seed))[1] for seed in (0, 1))
    assert one != other
    assert replace(other, architecture=one.architecture) == one


@pytest.mark.parametrize(
    ("draw", "variance"),
    [
        # How often an operation occurs in n = 6 decisions is binomial: n p (1 - p), p = 1/4.
        (lambda space, rng: space.random(rng), 1.125),
        # Tilted it is Dirichlet-multinomial: (n + A) / (1 + A) times that, A = 4 x 0.5.
        (tilted, 3.0),
    ],
)
def test_tilted_networks_spread_wider_than_uniform_ones(draw, variance):
    space, rng = two_stages(), np.random.default_rng(0)
    counts = [draw(space, rng).count(OPERATIONS.index("conv_k3")) for _ in range(3000)]
    assert np.var(counts) == pytest.approx(variance, rel=0.1)


def test_a_space_that_is_too_small_says_so():
    space = small_space("skip", "conv_k3", depths=[2])  # 0, 1 or 2 convolutions
    assert len(networks(ProfileParams(anchors=2, heldout=0), space)) == 3
    with pytest.raises(SpaceTooSmall, match=r"no 2 further networks for profile\.heldout, only"):
        networks(ProfileParams(anchors=1, heldout=2), space)


def test_blocks_are_equal_wherever_they_stand():
    drawn = networks(ProfileParams())
    assert {b for n in drawn for b, _ in n.layers} >= {BlockSpec("conv_k3", 1, 4, 8, 8, 2)}
