from itertools import product

import pytest

from edge.nb201 import EDGES, NONE, OPERATIONS, Cell
from edge.spec import SpecError

CONV, POOL, SKIP = "relu_conv_k3", "avg_pool_k3", "skip"
EXAMPLE = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|nor_conv_1x1~1|avg_pool_3x3~2|"


@pytest.fixture(scope="module")
def every_cell():
    return [Cell(operations) for operations in product(OPERATIONS, repeat=len(EDGES))]


def cell(*operations):
    return Cell(operations)


def test_the_notation_reads_as_edges_of_nodes():
    parsed = Cell.parse(EXAMPLE)
    assert parsed.operations == (CONV, NONE, SKIP, SKIP, "relu_conv_k1", POOL)
    assert list(parsed.edges()) == [
        (0, 1, CONV),
        (1, 2, SKIP),
        (0, 3, SKIP),
        (1, 3, "relu_conv_k1"),
        (2, 3, POOL),
    ]


def test_every_cell_reads_back_what_it_writes(every_cell):
    assert len({str(one) for one in every_cell}) == 15_625  # 5 ** 6
    assert [Cell.parse(str(one)) for one in every_cell] == every_cell


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no cell of NAS-Bench-201"),
        ("skip", "no cell of NAS-Bench-201"),
        (EXAMPLE + "+", "no cell of NAS-Bench-201"),
        (EXAMPLE.replace("skip_connect~1", "skip_connect~0"), "no cell of NAS-Bench-201"),
        (EXAMPLE.replace("avg_pool_3x3", "max_pool_3x3"), "unknown operation 'max_pool_3x3'"),
    ],
)
def test_what_is_no_cell_is_refused(text, problem):
    with pytest.raises(SpecError, match=problem):
        Cell.parse(text)


@pytest.mark.parametrize("operations", [(CONV,) * 5, (CONV,) * 7, (*[CONV] * 5, "mbconv_k3_e3")])
def test_operations_that_make_no_cell_are_refused(operations):
    with pytest.raises(SpecError, match="give 6 of none, skip, "):
        Cell(operations)


@pytest.mark.parametrize(
    ("operations", "live"),
    [
        # Node 1 leads nowhere; then node 2 comes from nowhere; then both.
        ((CONV, POOL, NONE, NONE, NONE, CONV), (NONE, POOL, NONE, NONE, NONE, CONV)),
        ((CONV, NONE, NONE, SKIP, CONV, POOL), (CONV, NONE, NONE, SKIP, CONV, NONE)),
        ((NONE, NONE, CONV, CONV, POOL, POOL), (NONE, NONE, NONE, CONV, NONE, NONE)),
        # The output is zero.
        ((CONV, CONV, CONV, NONE, NONE, NONE), (NONE,) * 6),
        ((NONE, NONE, CONV, NONE, CONV, CONV), (NONE,) * 6),
    ],
)
def test_dead_branches_go(operations, live):
    assert Cell(operations).live == Cell(live)


def test_inner_nodes_that_no_edge_joins_may_change_places():
    one = cell(CONV, POOL, NONE, NONE, SKIP, CONV)
    other = cell(POOL, CONV, NONE, NONE, CONV, SKIP)
    assert one.canonical == other.canonical
    joined = cell(CONV, POOL, SKIP, NONE, SKIP, CONV)
    assert joined.canonical == joined


def test_the_key_of_a_cell_spells_what_its_nodes_sum():
    # Node 1: conv(x); node 2: 0 + node 1; node 3: x + conv(node 1) + pool(node 2).
    assert Cell.parse(EXAMPLE).isomorphism_key == (
        "(#+(0)@nor_conv_3x3)@avg_pool_3x3+((0)@nor_conv_3x3)@nor_conv_1x1+0"
    )


def test_the_key_counts_as_many_cells_as_the_benchmark(every_cell):
    assert len({one.isomorphism_key for one in every_cell}) == 6_466


def test_canonical_cells_are_canonical_and_live(every_cell):
    canonical = {one.canonical for one in every_cell}
    assert len({one.live for one in every_cell}) == 9_445
    assert len(canonical) == 8_765
    assert all(one.live == one == one.canonical for one in canonical)
    assert sum(one.live == Cell((NONE,) * 6) for one in every_cell) == 341
