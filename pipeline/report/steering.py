"""Section: how the use of each operation falls as its share of the simplex grows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from edge.bayes import spearman
from edge.files import csv_text
from pipeline.report import drawing
from pipeline.report.page import Download, Figure, Section
from pipeline.report.sources import Rows, Run
from pipeline.report.text import percent, plural
from pipeline.report.theme import Look, looks

TITLE = "Steering by the simplex"
Curves = Mapping[str, Sequence[tuple[float, float, float]]]  # penalty, argmax share, probability
_COLUMNS = 4
_COLUMN_NAMES = ("operation", "penalty", "argmax_share", "mean_probability")


def section(run: Run) -> Section:
    """A small drawing for every operation."""
    if not run.steering:
        lead = "The run holds no sweep over the simplex; `dvc repro -sf extract` makes one."
        return Section("steering", TITLE, lead)
    curves = by_operation(run.steering)
    height_in = 0.6 + 1.75 * math.ceil(len(curves) / _COLUMNS)
    style = looks(run.operations)
    body = drawing.draw(
        "steering-figure", _alt(curves), height_in, lambda canvas: _paint(canvas, curves, style)
    )
    rows = [[row[name] for name in _COLUMN_NAMES] for row in run.steering]
    figure = Figure(
        name="steering-figure",
        title="Use of an operation over its penalty",
        caption=(
            "To the right, the penalty of the operation grows from the centre of the simplex, "
            "where all are penalised alike, to its vertex. Solid with markers: share of the "
            "decisions that choose it, a mean over prices of latency. Dashed: its mean "
            "probability. A search that listens has curves that fall; ρ is the rank correlation of "
            "penalty and probability. " + _found(curves)
        ),
        body=body,
        download=Download("steering.csv", csv_text(_COLUMN_NAMES, rows)),
    )
    return Section("steering", TITLE, _lead(curves), [figure])


def by_operation(rows: Rows) -> Curves:
    """The rows of steering.csv by operation."""
    curves: dict[str, list[tuple[float, float, float]]] = {}
    for row in rows:
        penalty, share, mean = (float(row[name]) for name in _COLUMN_NAMES[1:])
        curves.setdefault(row["operation"], []).append((penalty, share, mean))
    return curves


def correlation(points: Sequence[tuple[float, float, float]]) -> float | None:
    """Spearman of penalty and mean probability; None where nothing changes."""
    return spearman([penalty for penalty, _, _ in points], [mean for _, _, mean in points])


def _lead(curves: Curves) -> str:
    heard = sum((correlation(points) or 0.0) < 0 for points in curves.values())
    return (
        "A point S of the simplex says how much each operation is penalised; a larger share of an "
        f"operation must lower its use. It does for {heard} of {plural(len(curves), 'operation')} "
        "(rank correlation below zero)."
    )


def _found(curves: Curves) -> str:
    def change(operation: str) -> float:
        return curves[operation][-1][1] - curves[operation][0][1]

    most = min(curves, key=change)
    before, after = curves[most][0][1], curves[most][-1][1]
    return (
        f"{most} changes most: chosen by {percent(before, 0)} of its decisions at the centre and "
        f"{percent(after, 0)} at its vertex."
    )


def _alt(curves: Curves) -> str:
    told = [
        f"{operation} from {percent(points[0][1], 0)} to {percent(points[-1][1], 0)}"
        for operation, points in curves.items()
    ]
    return f"Share of decisions from the centre to the vertex: {'; '.join(told)}."


def _paint(canvas: Canvas, curves: Curves, style: Mapping[str, Look]) -> None:
    rows = math.ceil(len(curves) / _COLUMNS)
    panels = canvas.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, (operation, points) in zip(panels, curves.items(), strict=False):
        _panel(axes, operation, points, style[operation])
    for place, axes in enumerate(panels):
        axes.set_visible(place < len(curves))
        axes.tick_params(labelbottom=place + _COLUMNS >= len(curves))
    most = max(max(share, mean) for points in curves.values() for _, share, mean in points)
    panels[0].set_ylim(-4 * most, 125 * most)  # room for the text above the curve
    canvas.supxlabel("penalty of the operation, its share of S", fontsize=9.5)
    canvas.supylabel("share of decisions, %", fontsize=9.5)


def _panel(
    axes: Axes, operation: str, points: Sequence[tuple[float, float, float]], look: Look
) -> None:
    penalties, shares, means = zip(*points, strict=True)
    colour = look.colour.light
    axes.plot(penalties, [100 * s for s in means], "--", color=colour, linewidth=1)
    axes.plot(penalties, [100 * s for s in shares], marker=look.marker, markersize=4, color=colour)
    axes.set_title(operation)
    axes.set_xlim(0, 1.05)
    axes.set_xticks([0, 0.5, 1])
    rank = correlation(points)
    text = "constant" if rank is None else f"ρ = {rank:+.2f}"
    axes.text(0.96, 0.93, text, transform=axes.transAxes, ha="right", va="top", fontsize=8.5)
