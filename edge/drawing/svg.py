"""A graph as an SVG file, for a light and for a dark page."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from xml.sax.saxutils import escape

from edge.drawing.graph import Graph, Node
from edge.drawing.layers import Point, layout

_BOX_PX = (132, 40)  # width and height
_STEP_PX = (148, 68)  # from one box to the next, to the right and down
_MARGIN_PX = 12
_TITLE_PX = 28  # the line above the drawing

_STYLE = """\
  text { font: 13px system-ui, sans-serif; text-anchor: middle; fill: #1b1f24; }
  text.detail { font-size: 10.5px; fill: #59626d; }
  path { fill: none; stroke: #757b82; stroke-width: 1.25; marker-end: url(#head); }
  marker path { fill: #757b82; stroke: none; }
  rect { stroke: #757b82; fill: #f3f5f7; }
  rect.searched { stroke: #0072b2; fill: #e3f1fa; }
  rect.value { stroke: none; fill: none; }
  rect.paper { stroke: none; fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e8ebee; } text.detail { fill: #a4aeb9; }
    rect { fill: #242a31; } rect.searched { fill: #17324a; } rect.paper { fill: #15181c; }
  }"""
_HEAD = (
    '<marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto"><path d="M0 0 8 4 0 8z"/></marker>'
)


def svg(graph: Graph, title: str) -> str:
    """The drawing of `graph` as the text of an SVG file; `title` stands above it."""
    places = layout(graph)
    width = max(places.width * _STEP_PX[0], 7.5 * len(title)) + 2 * _MARGIN_PX
    shift = (width - places.width * _STEP_PX[0]) / 2
    height = places.layers * _STEP_PX[1] + _TITLE_PX + _MARGIN_PX

    def px(point: Point) -> Point:
        x, layer = point
        return shift + x * _STEP_PX[0], _TITLE_PX + (layer + 0.5) * _STEP_PX[1]

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>\n{_STYLE}\n</style>",
        f"<defs>{_HEAD}</defs>",
        '<rect class="paper" width="100%" height="100%"/>',
        f'<text x="{width / 2:.0f}" y="20">{escape(title)}</text>',
        *(_line([px(point) for point in line]) for line in places.lines),
        *(_box(node, *px(point)) for node, point in zip(graph, places.boxes, strict=True)),
    ]
    return "\n".join([*parts, "</svg>", ""])


def _line(points: Sequence[Point]) -> str:
    """From the lower edge of the first box, straight down beside those of the layers it passes,
    to the upper edge of the last."""
    half = _BOX_PX[1] / 2
    edges = [(x, y + side) for x, y in points for side in (-half, half)]
    places = edges[1:-1]  # inside no box
    path = [f"M{places[0][0]:.1f} {places[0][1]:.1f}"]
    for (x, y), (to_x, to_y) in pairwise(places):
        middle = (y + to_y) / 2
        path.append(f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}")
    return f'<path d="{" ".join(path)}"/>'


def _box(node: Node, x: float, y: float) -> str:
    width, height = _BOX_PX
    left, top = x - width / 2, y - height / 2
    box = f'<rect class="{node.kind}" x="{left:.1f}" y="{top:.1f}" rx="5" '
    lines = [box + f'width="{width}" height="{height}"/>']
    lines.append(f'<text x="{x:.1f}" y="{y - 2 if node.detail else y + 4:.1f}">')
    lines[-1] += f"{escape(node.title)}</text>"
    if node.detail:
        lines.append(
            f'<text class="detail" x="{x:.1f}" y="{y + 13:.1f}">{escape(node.detail)}</text>'
        )
    return "".join(lines)
