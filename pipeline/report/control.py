"""Section: the search against its control, the same extraction with uniform α."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from pipeline.extraction.evidence import Control
from pipeline.report import drawing
from pipeline.report.page import Download, Figure, Section, to_csv
from pipeline.report.sources import Rows, Run
from pipeline.report.text import plural
from pipeline.report.theme import CONTROL, MUTED, SEARCH

TITLE = "The search against uniform α"
_ARMS = (("control", "uniform α", "s", CONTROL), ("search", "search", "o", SEARCH))
_COLUMNS = ("arm", "how", "median_us", "cross_entropy", "operations")


def found(run: Run) -> Control | None:
    """The comparison that `extract` made, if it did."""
    names = ("control_bins", "control_difference", "control_half_width", "control_win_share")
    bins, difference, half_width, wins = (run.number("extract", name) for name in names)
    if bins is None or difference is None or half_width is None or wins is None:
        return None
    return Control(int(bins), difference, half_width, wins)


def section(run: Run) -> Section:
    """Both arms, and their difference at equal latency."""
    control = found(run)
    if control is None:
        return Section("control", TITLE, "No control was run: it is open what the search adds.")
    lead = (
        f"{control} The control is the same extraction, on the same shared weights, with α "
        "replaced by the uniform distribution. ± is a 90 % interval over bins of latency."
    )
    judged = [row for row in run.candidates if row["cross_entropy"]]
    if not judged:
        return Section("control", TITLE, f"{lead} The candidates themselves were not kept.")
    return Section("control", TITLE, lead, [_figure(run, control, judged)])


def _figure(run: Run, control: Control, judged: Rows) -> Figure:
    counts = {arm: sum(row["arm"] == arm for row in judged) for arm, *_ in _ARMS}
    alt = (
        f"Cross-entropy over predicted latency of {plural(counts['search'], 'candidate')} of the "
        f"search and {counts['control']} of the control, and their difference: {control}"
    )
    rows = [[row[name] for name in _COLUMNS] for row in judged]
    return Figure(
        name="control-figure",
        title="Judged candidates of both",
        caption=(
            "Lower is better: cross-entropy in the shared weights on hold-out images. Below, the "
            "difference of the best of both in every bin of equal latency; under zero the search "
            "is better. The band is the interval of the mean difference: it "
            + ("holds zero, so nothing is shown." if control.ties else "lies below zero.")
        ),
        body=drawing.draw("control-figure", alt, 5.2, lambda c: _paint(c, run, control, judged)),
        download=Download("control.csv", to_csv(_COLUMNS, rows)),
    )


def _paint(canvas: Canvas, run: Run, control: Control, judged: Rows) -> None:
    upper, lower = canvas.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    for arm, label, marker, colour in _ARMS:
        mine = [row for row in judged if row["arm"] == arm]
        upper.plot(
            [float(row["median_us"]) / 1e3 for row in mine],
            [float(row["cross_entropy"]) for row in mine],
            marker,
            color=colour.light,
            markersize=5,
            alpha=0.85,
            label=label,
        )
    upper.set_ylabel("cross-entropy")
    upper.legend()
    _differences(lower, run.bins, control)
    times_ms = [float(row["median_us"]) / 1e3 for row in judged]
    drawing.ms_axis(lower, "x", times_ms, "predicted median, ms (logarithmic)")


def _differences(axes: Axes, bins: Rows, control: Control) -> None:
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
