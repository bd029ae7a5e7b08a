"""Predicted against measured, drawn: SVG without a script or a style of its own."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from markupsafe import Markup

from edge.hub.health import Compared

_SIDE = 320  # of the square that is drawn in
_LEFT, _BOTTOM, _RIGHT, _TOP = 52, 44, 12, 12  # margins


def scatter(networks: Sequence[Compared]) -> Markup:
    """A point per network, its interval upright, and the diagonal where both agree."""
    most_ms = 1.08 * max(
        max(n.measured_ms for n in networks), max(n.predicted.hi_ms for n in networks)
    )

    def x(ms: float) -> float:
        return _LEFT + _SIDE * ms / most_ms

    def y(ms: float) -> float:
        return _TOP + _SIDE * (1 - ms / most_ms)

    parts = [_axes(most_ms), _line(x(0), y(0), x(most_ms), y(most_ms), "diagonal")]
    for n in networks:
        parts.append(
            _line(x(n.measured_ms), y(n.predicted.lo_ms), x(n.measured_ms), y(n.predicted.hi_ms))
        )
    for n in networks:
        kind = "inside" if n.inside else "outside"
        parts.append(
            f'<circle class="{kind}" cx="{x(n.measured_ms):.1f}" '
            f'cy="{y(n.predicted.mean_ms):.1f}" r="4"><title>{escape(n.name)}</title></circle>'
        )
    width, height = _LEFT + _SIDE + _RIGHT, _TOP + _SIDE + _BOTTOM
    return Markup(
        f'<svg viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{len(networks)} networks: predicted against measured latency">'
        f"{''.join(parts)}</svg>"
    )


def _axes(most_ms: float) -> str:
    left, bottom, right = _LEFT, _TOP + _SIDE, _LEFT + _SIDE
    middle_x, middle_y = _LEFT + _SIDE / 2, _TOP + _SIDE / 2
    return (
        _line(left, bottom, right, bottom, "axis")
        + _line(left, _TOP, left, bottom, "axis")
        + _text(left, bottom + 16, "0", "middle")
        + _text(right, bottom + 16, f"{most_ms:.3g}", "end")
        + _text(left - 6, _TOP + 10, f"{most_ms:.3g}", "end")
        + _text(middle_x, bottom + 34, "measured, ms", "middle")
        + f'<g transform="rotate(-90 18 {middle_y})">'
        + _text(18, middle_y, "predicted, ms", "middle")
        + "</g>"
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str = "interval") -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{text}</text>'
