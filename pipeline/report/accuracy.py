"""Section: accuracy against measured latency, a drawing for every target."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from edge.family import Latency, Member
from edge.files import csv_text
from edge.record import Target
from pipeline.report import drawing
from pipeline.report.page import Download, Figure, Section
from pipeline.report.sources import Run
from pipeline.report.text import ms, percent, plural, shorten
from pipeline.report.theme import CONTROL, INK, MUTED, PAPER, SEARCH
from pipeline.target_names import apart_but_threads

_KEY_LINES = 16  # members whose names fit beside the drawing
_Z95 = 1.959964


@dataclass(frozen=True)
class Point:
    """A measured member. `bound_ms` is the upper bound of the percentile that budgets are for."""

    number: int
    member: Member
    latency: Latency
    bound_ms: float | None
    on_front: bool = False


def section(run: Run) -> Section:
    """The members on every target that they were measured on."""
    figures = [_figure(run, target, i) for i, target in enumerate(run.targets, 1)]
    best = max(run.manifest.members, key=lambda member: member.holdout_accuracy)
    lead = (
        f"{plural(len(run.manifest.members), 'member')}; {best.name} is the best on the hold-out "
        f"images ({percent(best.holdout_accuracy)}) and classifies "
        f"{percent(best.test_accuracy)} of the test images correctly. The hold-out images rank; "
        "the test images are shown and choose nothing."
    )
    if not figures:
        lead += " No member was measured on a target."
    return Section("accuracy", "Accuracy against latency", lead, figures)


def points(run: Run, target: Target) -> list[Point]:
    """The members measured on `target`; on the front are those that no faster member equals on
    the hold-out images."""
    found = [
        Point(one.number, one.member.on(target), latency, latency.bound_ms(run.percentile))
        for one in run.members
        if (latency := one.member.latency(target))
    ]
    kept, best = [], -1.0
    for point in sorted(found, key=lambda p: (p.latency.median_ms, -p.member.holdout_accuracy)):
        on_front = point.member.holdout_accuracy > best
        best = max(best, point.member.holdout_accuracy)
        kept.append(Point(point.number, point.member, point.latency, point.bound_ms, on_front))
    return kept


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share seen in `count` trials (Wilson, 1927)."""
    spread = _Z95**2 / count
    middle = (share + spread / 2) / (1 + spread)
    half = _Z95 * math.sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    return middle - half, middle + half


def _figure(run: Run, target: Target, index: int) -> Figure:
    found, name = points(run, target), f"accuracy-{index}"
    title = f"{target.runtime} {target.runtime_version}, {target.precision}, "
    title += plural(target.threads, "thread")
    title = ", ".join([title, *apart_but_threads(target, run.targets)])
    alt = "Test accuracy over latency. " + "; ".join(
        f"{p.number} {p.member.name}: {percent(p.member.test_accuracy)} at "
        f"{ms(p.latency.median_ms)} ms"
        for p in found
    )
    body = drawing.draw(name, alt, 4.2, lambda canvas: _paint(canvas, run, found, index == 1))
    return Figure(name, title, _caption(run, found, index == 1), body, _download(run, found, name))


def _paint(canvas: Canvas, run: Run, found: Sequence[Point], with_budgets: bool) -> None:
    axes = canvas.add_subplot()
    level = {p.number: 100 * p.member.test_accuracy for p in found}
    front = [p for p in found if p.on_front]
    axes.plot(
        [p.latency.median_ms for p in front],
        [level[p.number] for p in front],
        color=SEARCH.light,
        label="front (by the hold-out images)",
    )
    drawing.spans(
        axes,
        [(p.latency.median_ms, p.bound_ms, level[p.number]) for p in found if p.bound_ms],
        color=MUTED.light,
        linewidth=1,
    )
    bounded = [p for p in found if p.bound_ms]
    _marks(axes, [(p.bound_ms or 0, level[p.number]) for p in bounded], "|", MUTED.light, 9)
    if bounded:
        axes.plot([], [], "|-", color=MUTED.light, label=f"p{run.percentile}, upper bound")
    drawing.spans(
        axes,
        [(p.latency.lo_ms, p.latency.hi_ms, level[p.number]) for p in found],
        color=SEARCH.light,
        linewidth=4,
        alpha=0.45,
        label="median, interval over blocks of runs",
    )
    if run.test_images:
        _accuracy_intervals(axes, found, run.test_images)
    for point in found:
        _numbered(axes, point, level[point.number])
    drawing.ms_axis(axes, "x", _extent(found, with_budgets), "latency, ms (logarithmic)")
    axes.set_ylabel("test accuracy, %")
    axes.margins(y=0.12)
    if with_budgets:
        _budgets(axes, found, level)
    _name_key(axes, found)
    drawing.legend_below(canvas, axes, columns=3)


def _marks(
    axes: Axes, places: Sequence[tuple[float, float]], marker: str, colour: str, size: float
) -> None:
    for x, y in places:
        axes.plot(x, y, marker, color=colour, markersize=size)


def _accuracy_intervals(axes: Axes, found: Sequence[Point], count: int) -> None:
    limits = [wilson(p.member.test_accuracy, count) for p in found]
    axes.vlines(
        [p.latency.median_ms for p in found],
        [100 * low for low, _ in limits],
        [100 * high for _, high in limits],
        color=MUTED.light,
        linewidth=1,
        linestyle=(0, (1, 1.5)),
        label="test accuracy, 95 % interval",
    )


def _budgets(axes: Axes, found: Sequence[Point], level: Mapping[int, float]) -> None:
    """From the top down to each member that has a budget, with the member's number."""
    low, top = axes.get_ylim()
    axes.set_ylim(low, top + 0.07 * (top - low))
    bounded = [(p.number, p.member.budget_ms) for p in found if p.member.budget_ms]
    for number, budget_ms in bounded:
        axes.vlines(budget_ms, level[number], top, color=CONTROL.light, linewidth=0.8)
        axes.plot(budget_ms, top, "v", color=CONTROL.light, markersize=6)
        axes.annotate(
            str(number),
            (budget_ms, top),
            (0, 4),
            textcoords="offset points",
            ha="center",
            fontsize=8.5,
            color=CONTROL.light,
        )
    if bounded:
        axes.plot([], [], "v-", color=CONTROL.light, linewidth=0.8, label="budget of the member")


def _numbered(axes: Axes, point: Point, y: float) -> None:
    """A disc with the member's number: filled on the front, hollow behind it."""
    front, back = (INK.light, PAPER.light) if point.on_front else (PAPER.light, INK.light)
    x = point.latency.median_ms
    axes.plot(x, y, "o", markersize=13, markerfacecolor=front, markeredgecolor=INK.light, zorder=5)
    axes.text(x, y, str(point.number), color=back, fontsize=8.5, ha="center", va="center", zorder=6)


def _name_key(axes: Axes, found: Sequence[Point]) -> None:
    if len(found) > _KEY_LINES:
        return
    lines = [f"{p.number}  {shorten(p.member.name, 22)}" for p in found]
    for i, line in enumerate(lines):
        axes.text(1.02, 0.97 - 0.062 * i, line, transform=axes.transAxes, va="top")


def _extent(found: Sequence[Point], with_budgets: bool) -> list[float]:
    times = [ms for p in found for ms in (p.latency.lo_ms, p.latency.hi_ms, p.bound_ms) if ms]
    budgets = [p.member.budget_ms for p in found if p.member.budget_ms] if with_budgets else []
    return times + budgets


def _caption(run: Run, found: Sequence[Point], with_budgets: bool) -> str:
    fastest, slowest = found[0].latency, found[-1].latency
    text = (
        "To the left is faster, up is better; members are numbered from the fastest of the first "
        "target on. Filled discs are on the front: no faster member is as good on the hold-out "
        f"images. Medians go from {ms(fastest.median_ms)} to {ms(slowest.median_ms)} ms, "
        f"{slowest.median_ms / fastest.median_ms:.1f} times."
    )
    held = [p.member.budget_met for p in found if p.member.budget_ms]
    if with_budgets and held:
        text += (
            f" {held.count(True)} of {len(held)} budgets are met: the upper bound of "
            f"p{run.percentile} lies to the left of the budget."
        )
    unproven = [p.member.name for p in found if p.bound_ms is None]
    if unproven:
        text += f" Too few runs, or too uneven, for a p{run.percentile} of {', '.join(unproven)}."
    missing = len(run.manifest.members) - len(found)
    if missing:
        text += f" {plural(missing, 'member')} without a valid measurement here."
    if run.test_images:
        text += f" Accuracies are of one seed, on {run.test_images} test images."
    return text


def _download(run: Run, found: Sequence[Point], name: str) -> Download:
    head = ["number", "name", "median_ms", "lo_ms", "hi_ms", f"p{run.percentile}_ms", "budget_ms"]
    rows = [
        (
            *(p.number, p.member.name, p.latency.median_ms, p.latency.lo_ms, p.latency.hi_ms),
            *(p.bound_ms, p.member.budget_ms),
            *(p.member.holdout_accuracy, p.member.test_accuracy, int(p.on_front)),
        )
        for p in found
    ]
    head += ["holdout_accuracy", "test_accuracy", "on_front"]
    return Download(f"{name}.csv", csv_text(head, rows))
