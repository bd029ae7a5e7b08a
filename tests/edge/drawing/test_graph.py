"""What is drawn of an architecture and of a cell."""

from edge.drawing.graph import Node, of_architecture, of_cell
from edge.nb201 import Cell
from edge.spec import Architecture, BlockSpec, Row

STEM = Row("stem", BlockSpec("conv_k3", 3, 4, 28, 28, stride=2))
SEP = Row("stage1.1", BlockSpec("sep_k3", 4, 4, 14, 14), searched=True)
SKIP = Row("stage1.2", BlockSpec("skip", 4, 4, 14, 14), searched=True)
BOTH = Row("sum", BlockSpec("add", 4, 4, 14, 14), inputs=("stem", "stage1.2"))
HEAD = Row("head", BlockSpec("head_16", 4, 10, 14, 14))


def test_an_architecture_is_its_rows_between_image_and_classes() -> None:
    network = Architecture("mbconv", (3, 28, 28), 10, (STEM, SEP, SKIP, BOTH, HEAD))
    assert of_architecture(network) == [
        Node("image", "3×28×28", "value"),
        Node("conv_k3", "stem · 4×14×14", "fixed", (0,)),
        Node("sep_k3", "stage1.1 · 4×14×14", "searched", (1,)),
        Node("add", "sum · 4×14×14", "fixed", (1, 2)),  # what the skip passes on
        Node("head_16", "head", "fixed", (3,)),
        Node("10 classes", "", "value", (4,)),
    ]


def test_a_cell_is_its_nodes_and_live_edges() -> None:
    # Node 2 has no input: its edge to the output is dead.
    text = "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_1x1~2|"
    assert of_cell(Cell.parse(text)) == [
        Node("node 0", "input", "value"),
        Node("nor_conv_3x3", "0 → 1", "searched", (0,)),
        Node("node 1", "", "value", (1,)),
        Node("skip_connect", "0 → 3", "searched", (0,)),
        Node("avg_pool_3x3", "1 → 3", "searched", (2,)),
        Node("node 3", "output", "value", (3, 4)),
    ]


def test_a_cell_without_a_way_through_says_so() -> None:
    graph = of_cell(Cell(("none",) * 6))
    assert graph[-1] == Node("node 3", "output: always zero", "value")
    assert len(graph) == 2
