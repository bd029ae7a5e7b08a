"""Both spaces of cells: what holds for any of them, and the rules of each by hand."""

import itertools

import numpy as np
import pytest
import torch

from edge.nb201 import Cell
from edge.spec import BlockSpec, Row
from models.cells import wired
from models.darts import darts, reductions
from models.inherit import inherit
from models.nb201 import nb201
from models.spaces import Decision, SpaceError, Sum
from models.supernet import Supernet, single

FIVE = ["none", "skip", "relu_conv_k1", "relu_conv_k3", "avg_pool_k3"]
NONE, SKIP, CONV1, CONV3, POOL = range(5)
THREE = ["relu_conv_k3", "max_pool_bn_k3", "skip"]  # those of the source
DEAD = 3  # no edge, where there is no `none` to choose
EIGHT = [
    *("none", "skip", "max_pool_bn_k3", "avg_pool_bn_k3"),
    *("sep_conv_k3", "sep_conv_k5", "dil_conv_k3", "dil_conv_k5"),
]
BENCHMARK = nb201(
    input_shape=(1, 10, 10),
    classes=5,
    operations=FIVE,
    stem_stride=1,
    widths=[4, 8],
    cells=2,
    act="relu",
)


def stacked(operations, cells=3, nodes=4, size=(10, 10)):
    return darts(
        input_shape=(1, *size),
        classes=5,
        operations=operations,
        stem_width=6,
        stem_stride=1,
        width=4,
        cells=cells,
        nodes=nodes,
        act="relu",
    )


SOURCE, DARTS = stacked(THREE), stacked(EIGHT)
SPACES = {"nb201": BENCHMARK, "source": SOURCE, "darts": DARTS}


@pytest.fixture(params=SPACES.values(), ids=SPACES.keys())
def space(request):
    return request.param


def drawn(space, count, seed=0):
    draws = np.random.default_rng(seed)
    return [space.random(draws) for _ in range(count)]


@torch.no_grad()
def test_a_path_computes_what_its_network_does_with_the_same_weights(space, lively):
    supernet = lively(Supernet(space))
    x = torch.randn(2, *space.input_shape, generator=torch.Generator().manual_seed(0))
    for choices in drawn(space, 25):
        net = inherit(supernet, space, choices).eval()
        torch.testing.assert_close(net(x), supernet(x, single(choices)))


def test_random_choices_are_canonical_and_read_back(space):
    for choices in drawn(space, 50):
        assert space.canonical(choices) == choices
        assert space.choices(space.architecture(choices)) == choices


def test_every_row_is_read_and_every_price_is_profiled(space):
    known = {block.key for block in space.blocks}
    for choices in drawn(space, 50):
        architecture = space.architecture(choices)
        read = {place for row in architecture.rows for place in row.inputs}
        assert {row.place for row in architecture.rows} - read == {"head"}
        assert set(architecture.priced_keys) <= known


def test_all_networks_have_the_same_fixed_layers(space):
    assert len({space.architecture(choices).trunk for choices in drawn(space, 20)}) == 1


def test_an_architecture_of_another_space_is_refused():
    for one, other in itertools.permutations(SPACES.values(), 2):
        with pytest.raises(SpaceError, match="is not one of this space"):
            one.choices(other.architecture(drawn(other, 1)[0]))


@torch.no_grad()
def test_a_path_on_which_nothing_reaches_the_end_is_refused():
    with pytest.raises(SpaceError, match="nothing reaches down2"):
        Supernet(BENCHMARK)(torch.zeros(1, 1, 10, 10), single([NONE] * 6))


@torch.no_grad()
def test_mixed_operations_are_the_sum_of_the_gates(lively):
    """Gates of one and zero on all operations are one path."""
    supernet = lively(Supernet(BENCHMARK))
    choices = (CONV3, NONE, SKIP, POOL, CONV1, SKIP)
    one, zero = torch.tensor(1.0), torch.tensor(0.0)
    gates = [[(n, one if n == choice else zero) for n in range(5)] for choice in choices]
    x = torch.randn(2, 1, 10, 10)
    torch.testing.assert_close(supernet(x, gates), supernet(x, single(choices)))


# wiring, on one node and on numbers small enough to see


def conv(place, source):
    spec = BlockSpec("conv_k1", 2, 2, 4, 4)
    return Decision(place, (spec,), 0, (source,))


def test_dead_branches_are_left_out_and_one_edge_needs_no_addition():
    add = BlockSpec("add", 2, 2, 4, 4)
    steps = [
        Row("stem", BlockSpec("conv_k3", 1, 2, 4, 4), inputs=("image",)),
        conv("a", "stem"),
        Sum("n1", add, ("a",)),
        conv("b", "stem"),
        conv("c", "n1"),
        conv("d", "n1"),
        Sum("n2", add, ("b", "c", "d")),
        Row("head", BlockSpec("head_4", 2, 3, 4, 4), inputs=("n2",)),
    ]

    def rows(*live):
        found = wired(steps, lambda step: "conv_k1" if step.place in live else "none")
        return [(row.place, *row.inputs) for row in found]

    stem, a, b = ("stem", "image"), ("a", "stem"), ("b", "stem")
    assert rows("a", "b") == [stem, b, ("head", "b")]  # nobody reads a
    assert rows("b", "c") == [stem, b, ("head", "b")]  # c has nothing to read
    assert rows("a", "c") == [stem, a, ("c", "a"), ("head", "c")]
    assert rows("a", "b", "c", "d") == [
        *(stem, a, b, ("c", "a"), ("d", "a")),
        *(("n2+2", "b", "c"), ("n2+3", "n2+2", "d"), ("head", "n2+3")),
    ]


@pytest.mark.parametrize(("op", "count"), [("add", 2), ("concat_4", 4), ("relu_conv_k3", 1)])
def test_how_many_a_block_reads(op, count):
    assert BlockSpec(op, 2, 2, 4, 4).operands == count


# NAS-Bench-201


def test_the_six_choices_are_tied_over_all_cells():
    assert len(BENCHMARK.decisions) == 6
    (places,) = BENCHMARK.instances(2)  # 1 -> 2
    assert [place.place for place in places] == [
        *("stage1.1.1-2", "stage1.2.1-2", "stage2.1.1-2", "stage2.2.1-2")
    ]
    assert [place.candidates[3].key for place in places] == [
        *("relu_conv_k3:4x10x10-4:s1:relu",) * 2,
        *("relu_conv_k3:8x5x5-8:s1:relu",) * 2,
    ]


def test_a_cell_reads_as_in_the_benchmark():
    text = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|"
    choices = (CONV3, NONE, SKIP, POOL, CONV1, NONE)
    assert str(BENCHMARK.cell(choices)) == text
    rows = BENCHMARK.architecture(choices).rows[:6]
    # 1 -> 2 leads nowhere; then the inner nodes may change places, and the first is without edges
    assert [(row.place, row.block.op, *row.inputs) for row in rows] == [
        ("stem", "stem_k3", "image"),
        ("stage1.1.0-2", "relu_conv_k3", "stem"),
        ("stage1.1.0-3", "avg_pool_k3", "stem"),
        ("stage1.1.2-3", "relu_conv_k1", "stage1.1.0-2"),
        ("stage1.1.node3+2", "add", "stage1.1.0-3", "stage1.1.2-3"),
        ("stage1.2.0-2", "relu_conv_k3", "stage1.1.node3+2"),
    ]


def test_choices_are_those_of_the_canonical_cell():
    for ops in itertools.product(range(5), repeat=6):
        if ops.count(NONE) == 4:  # 15 · 4² cells
            cell = Cell(tuple(FIVE[op] for op in ops)).canonical
            if set(cell.operations) != {"none"}:
                assert BENCHMARK.cell(BENCHMARK.canonical(ops)) == cell


def test_a_cell_that_brings_nothing_passes_its_input_on():
    nothing = (CONV3, CONV3, NONE, NONE, NONE, NONE)
    assert BENCHMARK.canonical(nothing) == (NONE, NONE, NONE, SKIP, NONE, NONE)
    rows = BENCHMARK.architecture(nothing).canonical().rows
    assert [row.place for row in rows] == ["stem", "down2", "head"]


def test_an_edge_brings_its_share_of_the_additions():
    """Three edges into the last node take two additions, two thirds each."""
    shares = [decision.joins[1] for decision in BENCHMARK.decisions]
    assert shares == pytest.approx([0, 1 / 2, 1 / 2, 2 / 3, 2 / 3, 2 / 3])


# DARTS


@pytest.mark.parametrize(
    ("cells", "reducing"), [(1, set()), (2, {0, 1}), (3, {1, 2}), (8, {2, 5}), (20, {6, 13})]
)
def test_cells_a_third_and_two_thirds_of_the_way_reduce(cells, reducing):
    assert reductions(cells) == reducing


def test_the_cells_by_hand():
    """Widths 4, 8, 16 on maps of 10, 5, 3; every cell reads the two before it."""
    rows = {row.place: row for row in SOURCE.steps if isinstance(row, Row)}
    assert {place: (row.block.key, *row.inputs) for place, row in rows.items()} == {
        "stem": ("stem_k3:1x10x10-6:s1:relu", "image"),
        "cell1.in0": ("relu_conv_k1:6x10x10-4:s1:relu", "stem"),
        "cell1.in1": ("relu_conv_k1:6x10x10-4:s1:relu", "stem"),
        "cell1.out": ("concat_4:4x10x10-16:s1:relu", *(f"cell1.node{n}" for n in (1, 2, 3, 4))),
        "cell2.in0": ("relu_conv_k1:6x10x10-8:s1:relu", "stem"),
        "cell2.in1": ("relu_conv_k1:16x10x10-8:s1:relu", "cell1.out"),
        "cell2.out": ("concat_4:8x5x5-32:s1:relu", *(f"cell2.node{n}" for n in (1, 2, 3, 4))),
        "cell3.in0": ("reduce:16x10x10-16:s2:relu", "cell1.out"),
        "cell3.in1": ("relu_conv_k1:32x5x5-16:s1:relu", "cell2.out"),
        "cell3.out": ("concat_4:16x3x3-64:s1:relu", *(f"cell3.node{n}" for n in (1, 2, 3, 4))),
        "head": ("mean_head:64x3x3-5:s1:relu", "cell3.out"),
    }


def test_an_edge_from_outside_a_reducing_cell_strides():
    found = {step.place: step for step in SOURCE.steps if isinstance(step, Decision)}
    strides = {place: found[place].candidates[0].stride for place in found}
    assert (strides["cell1.node2-in0"], strides["cell1.node2-node1"]) == (1, 1)
    assert (strides["cell2.node2-in0"], strides["cell2.node2-node1"]) == (2, 1)


def test_the_edges_of_a_kind_are_one_decision_each():
    assert len(SOURCE.decisions) == 2 * (2 + 3 + 4 + 5)
    (places,) = SOURCE.instances(14)  # the first of the reducing kind
    assert [place.place for place in places] == ["cell2.node1-in0", "cell3.node1-in0"]


def test_probabilities_derive_the_two_strongest_edges_and_never_none():
    """One kind, two nodes: edges 0, 1 of the first and 2, 3, 4 of the second node."""
    small = stacked(["none", "skip", "sep_conv_k3"], cells=1, nodes=2)
    p = np.array(
        [
            [0.9, 0.04, 0.06],  # none is likeliest, and no candidate
            [0.1, 0.5, 0.4],
            [0.2, 0.6, 0.2],
            [0.4, 0.29, 0.31],  # 0.31 is less than 0.6 and 0.5
            [0.0, 0.5, 0.5],
        ]
    )
    assert small.derive(p) == (2, 1, 1, 0, 1)


def test_edges_beyond_two_are_left_out_and_every_pair_is_kept_alike():
    small = stacked(THREE, cells=1, nodes=2)
    kept = [small.canonical(choices)[2:] for choices in itertools.product(range(3), repeat=5)]
    dead = [choices.index(DEAD) for choices in kept]
    assert all(choices.count(DEAD) == 1 for choices in kept)
    # 3^3 choices of the three edges: sums 0 .. 6 occur 1, 3, 6, 7, 6, 3, 1 times, so that each
    # remainder by 3 occurs 9 times, for each of 3^2 choices of the other edges
    assert [dead.count(edge) for edge in range(3)] == [81, 81, 81]


def test_a_node_without_edges_skips_from_the_cell_before():
    small = stacked(["none", "skip", "sep_conv_k3"], cells=1, nodes=2)
    assert small.canonical((0, 0, 0, 2, 0)) == (0, 1, 0, 2, 0)


def test_without_none_among_the_operations_no_edge_is_a_choice_that_is_never_drawn():
    assert SOURCE.none == DEAD
    assert SOURCE.mask.shape == (28, 4)
    assert not SOURCE.mask[:, DEAD].any()
    assert SOURCE.mask[:, :DEAD].all()
    choices = drawn(SOURCE, 1)[0]
    assert SOURCE.names(choices).count("none") == choices.count(DEAD) == 2 * (0 + 1 + 2 + 3)


def test_a_cell_that_nobody_reads_is_left_out():
    """All edges of the last cell read the cell before the one before it."""
    wide = stacked(["none", "skip", "sep_conv_k3"], cells=3, nodes=2)
    first_only = [2, 0, 2, 0, 0]
    rows = wide.architecture([*first_only, *first_only]).rows
    assert {row.place.partition(".")[0] for row in rows} == {"stem", "cell1", "cell3", "head"}


@pytest.mark.parametrize("size", [(1, 12), (2, 12), (12, 2), (1, 1)])
def test_cells_reduce_what_is_left_of_one_side(size):
    """Of a signal, for example: a side of one pixel stays one, and the other is halved."""
    space = stacked(THREE, size=size)
    image = torch.zeros(2, 1, *size)
    network = Supernet(space).eval()
    assert network(image, single(space.random(np.random.default_rng(0)))).shape == (2, 5)
