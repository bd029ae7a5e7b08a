"""Where boxes and lines stand."""

from edge.drawing.graph import Node
from edge.drawing.layers import Layout, layout


def graph(*sources: tuple[int, ...]) -> list[Node]:
    return [Node(str(n), sources=read) for n, read in enumerate(sources)]


def test_a_chain_stands_one_below_the_other() -> None:
    assert layout(graph((), (0,), (1,))) == Layout(
        boxes=((0.5, 0), (0.5, 1), (0.5, 2)),
        lines=(((0.5, 0), (0.5, 1)), ((0.5, 1), (0.5, 2))),
        width=1.0,
        layers=3,
    )


def test_branches_stand_side_by_side_around_the_middle() -> None:
    found = layout(graph((), (0,), (0,), (1, 2)))
    assert found.boxes == ((1, 0), (0.5, 1), (1.5, 1), (1, 2))
    assert found.width == 2


def test_a_line_runs_beside_the_boxes_of_the_layers_it_passes() -> None:
    # Box 2 reads box 1 and, past it, box 0: the layer between is 1 + 1/4 wide.
    found = layout(graph((), (0,), (1, 0)))
    assert found.width == 1.25
    assert found.boxes == ((0.625, 0), (0.5, 1), (0.625, 2))
    assert found.lines[2] == ((0.625, 0), (1.125, 1), (0.625, 2))


def test_boxes_stand_below_what_they_read() -> None:
    # Boxes 3 and 4 read 2 and 1, which stand in the order 1, 2: 4 comes first.
    found = layout(graph((), (0,), (0,), (2,), (1,)))
    assert found.boxes[4][0] < found.boxes[3][0]


def test_reading_twice_is_one_line() -> None:
    assert len(layout(graph((), (0, 0))).lines) == 1
