"""Section: predicted against measured latency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure as Canvas

from edge.files import csv_text
from edge.record import Target
from pipeline import heldout
from pipeline.heldout import HeldOut
from pipeline.report import drawing
from pipeline.report.page import Download, Figure, Section
from pipeline.report.sources import Run
from pipeline.report.text import digits, percent, plural
from pipeline.report.theme import CONTROL, MUTED, SEARCH

TITLE = "Predicted against measured latency"
_COLUMNS = ("group", "name", "predicted_ms", "lo_ms", "hi_ms", "measured_ms")
Row = tuple[str, float, float, float, float]  # name; predicted, its interval; measured
Groups = Mapping[str, Sequence[Row]]


def section(run: Run) -> Section:
    """Networks that nothing was fitted on, and the members, on the first target."""
    held = [(h.name, h.predicted_ms, h.lo_ms, h.hi_ms, h.measured_ms) for h in run.heldout]
    members = predicted_members(run, run.targets[0]) if run.targets else []
    groups = {"held-out networks": held, "members": members}
    if not held and not members:
        lead = "No network was held out and no member has a prediction: nothing can be compared."
        return Section("prediction", TITLE, lead)
    body = drawing.draw("prediction-figure", _alt(groups), 5.0, lambda c: _paint(c, groups))
    rows = [(group, *row) for group, found in groups.items() for row in found]
    figure = Figure(
        name="prediction-figure",
        title="Latency as predicted and as measured",
        caption="On the diagonal, a network is as fast as it was predicted to be; above it, it is "
        "faster. Vertical bars are the intervals of the predictions. " + members_text(members),
        body=body,
        download=Download("predicted.csv", csv_text(_COLUMNS, rows)),
    )
    return Section("prediction", TITLE, _lead(run.heldout), [figure])


def predicted_members(run: Run, target: Target) -> list[Row]:
    """The members that have a prediction and a valid measurement on `target`."""
    found = [(one.member.name, one.member.latency(target)) for one in run.members]
    return [
        (name, m.predicted_ms, m.predicted_lo_ms, m.predicted_hi_ms, m.median_ms)
        for name, m in found
        if m and m.predicted_ms and m.predicted_lo_ms and m.predicted_hi_ms
    ]


def mean_error(rows: Sequence[Row]) -> float:
    """Mean absolute error, a share of what was measured."""
    return sum(abs(row[1] - row[4]) / row[4] for row in rows) / len(rows)


def _lead(held: Sequence[HeldOut]) -> str:
    if not held:
        return "No network was held out from the calibration, so its error on new ones is unknown."
    scores = heldout.scores(held)
    text = (
        f"{plural(len(held), 'random network')} that nothing was fitted on: predicted within "
        f"{digits(scores['heldout_error_percent'] or 0.0)} % on average, where the table's sum "
        f"alone is off by {digits(scores['heldout_table_error_percent'] or 0.0)} %. "
        f"{percent(scores['heldout_coverage'] or 0.0, 0)} of the measurements lie inside their "
        "interval."
    )
    rank = scores["heldout_spearman"]
    return text if rank is None else f"{text} Rank correlation (Spearman) {rank:.3f}."


def members_text(members: Sequence[Row]) -> str:
    """How well the members were predicted, in a sentence."""
    if not members:
        return "No member has a prediction for this target."
    return (
        f"{plural(len(members), 'member')}, measured in a later session than the table: "
        f"predicted within {digits(100 * mean_error(members))} % on average."
    )


def _alt(groups: Groups) -> str:
    told = [
        f"{len(rows)} {group}, mean error {digits(100 * mean_error(rows))} %"
        for group, rows in groups.items()
        if rows
    ]
    return f"Predicted over measured latency with the line y = x: {'; '.join(told)}."


def _paint(canvas: Canvas, groups: Groups) -> None:
    axes = canvas.add_subplot()
    for (group, rows), colour, marker in zip(
        groups.items(), (SEARCH, CONTROL), ("o", "s"), strict=True
    ):
        if not rows:
            continue
        _, predicted, lo, hi, measured = zip(*rows, strict=True)
        axes.vlines(measured, lo, hi, color=colour.light, linewidth=1)
        axes.plot(measured, predicted, marker, color=colour.light, markersize=5.5, label=group)
    values = [ms for rows in groups.values() for row in rows for ms in row[1:]]
    limits = drawing.around(values)
    axes.plot(limits, limits, color=MUTED.light, linewidth=1, linestyle="--", label="y = x")
    drawing.ms_axis(axes, "x", values, "measured median, ms (logarithmic)")
    drawing.ms_axis(axes, "y", values, "predicted median, ms (logarithmic)")
    axes.set_aspect("equal")
    drawing.legend_below(canvas, axes, columns=3)
