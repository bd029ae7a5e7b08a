"""The file itself."""

import xml.etree.ElementTree as ET

from edge.drawing.graph import Node
from edge.drawing.svg import svg

SVG = "{http://www.w3.org/2000/svg}"
GRAPH = [
    Node("image", "1×28×28", "value"),
    Node("a < b", "", "searched", (0,)),
    Node("sum", "", "fixed", (1, 0)),
]


def test_it_is_a_picture_with_a_title_a_box_per_node_and_a_path_per_line() -> None:
    root = ET.fromstring(svg(GRAPH, "one & two"))
    assert root.findtext(f"{SVG}title") == "one & two"
    kinds = [box.get("class") for box in root.iter(f"{SVG}rect")]
    assert kinds == ["paper", "value", "searched", "fixed"]
    assert [text.text for text in root.iter(f"{SVG}text")] == [
        *("one & two", "image", "1×28×28", "a < b", "sum")
    ]
    assert len(root.findall(f"{SVG}path")) == 3


def test_lines_start_below_a_box_and_end_above_one() -> None:
    # 148 px across and 68 px down from box to box, below 28 px of title: the centres stand at
    # 28 + 34 = 62 px and 130 px, and boxes are 40 px high.
    (path,) = ET.fromstring(svg(GRAPH[:2], "t")).findall(f"{SVG}path")
    assert path.get("d") == "M86.0 82.0 C86.0 96.0 86.0 96.0 86.0 110.0"


def test_a_line_that_passes_a_layer_runs_straight_beside_its_boxes() -> None:
    path = ET.fromstring(svg(GRAPH, "t")).findall(f"{SVG}path")[2].get("d")
    # The middle of 1.25 boxes is at 12 + 92.5 px; the line passes at 12 + 1.125 * 148 px.
    assert path is not None
    assert path.startswith("M104.5 82.0 C")
    assert "178.5 110.0 C178.5 130.0 178.5 130.0 178.5 150.0 C" in path
    assert path.endswith("104.5 178.0")


def test_a_long_title_has_room() -> None:
    root = ET.fromstring(svg(GRAPH[:1], "x" * 100))
    assert float(root.get("width", "0")) >= 750
