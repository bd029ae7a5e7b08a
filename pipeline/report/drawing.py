"""What all drawings share: matplotlib without global state, and axes of milliseconds."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from pipeline.report import svg
from pipeline.report.text import plain
from pipeline.report.theme import GRID, INK, MUTED

WIDTH_IN = 7.6
_STYLE: dict[Any, Any] = {
    "font.size": 9.5,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.edgecolor": MUTED.light,
    "axes.labelcolor": INK.light,
    "axes.titlecolor": INK.light,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID.light,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED.light,
    "ytick.color": MUTED.light,
    "xtick.labelcolor": INK.light,
    "ytick.labelcolor": INK.light,
    "text.color": INK.light,
    "text.parse_math": False,  # a member may be called `$x$`
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.4,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "none",  # text stays text: it can be searched, and follows the page's font
    "svg.hashsalt": "edgefacet",  # equal drawings are equal files
}
_STEPS = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8))


def draw(name: str, alt: str, height_in: float, paint: Callable[[Figure], None]) -> Markup:
    """The SVG element of what `paint` draws on an empty figure; `name` is unique in the page."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
        paint(figure)
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return svg.inline(file.getvalue(), name, alt)


def ms_axis(axes: Axes, which: str, values_ms: Iterable[float], label: str) -> None:
    """Make the axis `which` (x or y) logarithmic, around the values, with ticks in plain ms."""
    low, high = around(values_ms)
    axis: Axis
    if which == "x":
        axes.set_xscale("log")
        axes.set_xlim(low, high)
        axes.set_xlabel(label)
        axis = axes.xaxis
    else:
        axes.set_yscale("log")
        axes.set_ylim(low, high)
        axes.set_ylabel(label)
        axis = axes.yaxis
    axis.set_major_locator(FixedLocator(ticks(low, high)))
    axis.set_major_formatter(FuncFormatter(lambda value, _position: plain(value)))
    axis.set_minor_locator(NullLocator())


def around(values: Iterable[float], margin: float = 0.06) -> tuple[float, float]:
    """Limits of a logarithmic axis that leave room on both sides of positive `values`."""
    known = list(values)
    low, high = min(known), max(known)
    room = max(high / low, 1.2) ** margin
    return low / room, high * room


def ticks(low: float, high: float, most: int = 8) -> list[float]:
    """At most about `most` round numbers between the limits, near evenly spread in logarithm."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    best: list[float] = []
    for steps in _STEPS:
        found = [float(f"{step * 10.0**decade:.6g}") for decade in decades for step in steps]
        inside = [tick for tick in found if low <= tick <= high]
        if len(inside) > most:
            break
        best = inside
    if len(best) >= 3:
        return best
    return [float(tick) for tick in MaxNLocator(5).tick_values(low, high) if low <= tick <= high]


def spans(axes: Axes, rows: Sequence[tuple[float, float, float]], **style: Any) -> None:
    """Horizontal lines (from, to, y)."""
    if rows:
        starts, ends, heights = zip(*rows, strict=True)
        axes.hlines(heights, starts, ends, **style)


def legend_below(figure: Figure, axes: Axes, columns: int) -> None:
    """The legend of `axes` under the whole figure, where it hides nothing."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)
