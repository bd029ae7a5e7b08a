"""Section: the search against its control, the same extraction with uniform α."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure as Canvas

from edge.files import csv_text
from pipeline.extraction.evidence import Control
from pipeline.report import drawing
from pipeline.report.page import Download, Figure, Section
from pipeline.report.sources import Rows, Run
from pipeline.report.text import plural
from pipeline.report.theme import CONTROL, MUTED, SEARCH

TITLE = "The search against uniform α"
ABOUT = (
    "The control is the same extraction, on the same shared weights, with α replaced by the "
    "uniform distribution. ± is a 90 % interval over bins of latency of one search: another seed "
    "may say something else."
)
NO_CONTROL = "No control was run: it is open what the search adds."
_ARMS = (("control", "uniform α", "s", CONTROL), ("search", "search", "o", SEARCH))
_COLUMNS = ("arm", "how", "median_us", "cross_entropy", "operations")
_BINS = ("low_us", "high_us", "search_cross_entropy", "control_cross_entropy")
_LATENCY = "predicted median, ms (logarithmic)"


def found(run: Run) -> Control | None:
    """The comparison that `extract` made, if it did; without an interval for less than two bins."""
    names = ("control_bins", "control_difference", "control_half_width", "control_win_share")
    bins, difference, half_width, wins = (run.number("extract", name) for name in names)
    if bins is None or difference is None or wins is None:
        return None
    return Control(int(bins), difference, math.inf if half_width is None else half_width, wins)


def section(run: Run) -> Section:
    """Both arms, and their difference at equal latency."""
    control = found(run)
    if control is None:
        return Section("control", TITLE, NO_CONTROL)
    lead = f"{control} {ABOUT}"
    judged = [row for row in run.candidates if row["cross_entropy"]]
    if not judged:
        return Section("control", TITLE, f"{lead} The candidates themselves were not kept.")
    times_ms = [float(row["median_us"]) / 1e3 for row in judged]
    figures = [_candidates(judged, times_ms)]
    if run.bins:
        figures.append(_differences(run.bins, control, times_ms))
    return Section("control", TITLE, lead, figures)


def _candidates(judged: Rows, times_ms: Sequence[float]) -> Figure:
    counts = {arm: sum(row["arm"] == arm for row in judged) for arm, *_ in _ARMS}
    told = (
        f"{plural(counts['search'], 'candidate')} of the search, {counts['control']} of uniform α"
    )
    return Figure(
        name="control-candidates",
        title="Judged candidates of both",
        caption=f"Lower is better: cross-entropy in the shared weights on hold-out images. {told}.",
        body=drawing.draw(
            name="control-candidates",
            alt=f"Cross-entropy over predicted latency: {told}.",
            height_in=3.4,
            paint=lambda canvas: _paint_candidates(canvas, judged, times_ms),
        ),
        download=Download(
            "candidates.csv",
            csv_text(_COLUMNS, [[row[name] for name in _COLUMNS] for row in judged]),
        ),
    )


def _paint_candidates(canvas: Canvas, judged: Rows, times_ms: Sequence[float]) -> None:
    axes = canvas.add_subplot()
    for arm, label, marker, colour in _ARMS:
        mine = [(t, row) for t, row in zip(times_ms, judged, strict=True) if row["arm"] == arm]
        axes.plot(
            [time_ms for time_ms, _ in mine],
            [float(row["cross_entropy"]) for _, row in mine],
            marker,
            color=colour.light,
            markersize=5,
            alpha=0.85,
            label=label,
        )
    axes.set_ylabel("cross-entropy")
    axes.legend()
    drawing.ms_axis(axes, "x", times_ms, _LATENCY)


def _differences(bins: Rows, control: Control, times_ms: Sequence[float]) -> Figure:
    return Figure(
        name="control-differences",
        title="Search minus uniform α at equal latency",
        caption=(
            "The best of both in every bin of predicted latency; below zero the search is better. "
            "The band is the interval of the mean difference: "
            + (
                "it holds zero, so the search is not shown to be better."
                if control.ties
                else "it lies below zero."
            )
        ),
        body=drawing.draw(
            name="control-differences",
            alt=f"Difference of cross-entropy over predicted latency. {control}",
            height_in=2.4,
            paint=lambda canvas: _paint_differences(canvas, bins, control, times_ms),
        ),
        download=Download(
            "control.csv", csv_text(_BINS, [[row[n] for n in _BINS] for row in bins])
        ),
    )


def _paint_differences(
    canvas: Canvas, bins: Rows, control: Control, times_ms: Sequence[float]
) -> None:
    axes = canvas.add_subplot()
    axes.axhline(0, color=MUTED.light, linewidth=1)
    mean, half = control.mean_difference, control.half_width
    if math.isfinite(half):
        axes.axhspan(mean - half, mean + half, color=SEARCH.light, alpha=0.18, linewidth=0)
    axes.axhline(mean, color=SEARCH.light, linestyle="--")
    for row in bins:
        low, high = float(row["low_us"]) / 1e3, float(row["high_us"]) / 1e3
        difference = float(row["search_cross_entropy"]) - float(row["control_cross_entropy"])
        axes.hlines(difference, low, high, color=SEARCH.light, linewidth=3)
    axes.margins(y=0.2)
    axes.set_ylabel("difference")
    drawing.ms_axis(axes, "x", times_ms, _LATENCY)
