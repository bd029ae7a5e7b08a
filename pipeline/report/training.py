"""Section: what the search did over its steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from edge.files import csv_text
from pipeline.report import drawing
from pipeline.report.page import Download, Figure, Section
from pipeline.report.sources import Curve, Run
from pipeline.report.text import digits, plural
from pipeline.report.theme import CONTROL, GREY, MUTED, SEARCH, Colour

TITLE = "The search over its steps"
_CURVES = ("entropy", "expected_latency_ms", "kappa")


@dataclass(frozen=True)
class Third:
    """A third of the range of log prices, and how its steps are drawn."""

    label: str
    marker: str
    colour: Colour


THIRDS = (
    Third("low price of latency", "^", CONTROL),
    Third("middle", "o", GREY),
    Third("high price of latency", "v", SEARCH),
)


def section(run: Run) -> Section:
    """Entropy of α and expected latency, by price."""
    if not all(run.curves.get(name) for name in _CURVES):
        lead = "The search left no curves below results/plots/search: nothing can be drawn."
        return Section("search", TITLE, lead)
    uniform = math.log(len(run.operations))
    body = drawing.draw(
        "search-figure", _alt(run.curves), 4.6, lambda c: _paint(c, run.curves, uniform)
    )
    columns = [run.curves[name] for name in _CURVES]
    rows = [(step, *(curve[step] for curve in columns)) for step in columns[0]]
    figure = Figure(
        name="search-figure",
        title="Entropy of α and expected latency",
        caption=(
            "Every logged step draws its own point S and price κ, so single points scatter; shape "
            "and colour tell the price. α starts uniform (dashed) and becomes decided as the "
            "entropy falls. Where the markers of low and high prices part, the hypernetwork has "
            "learnt to hear the price. " + _parted(run.curves)
        ),
        body=body,
        download=Download("search.csv", csv_text(("step", *_CURVES), rows)),
    )
    return Section("search", TITLE, _lead(run), [figure])


def third(kappa: float, curve: Curve) -> int:
    """Which third of the logged log prices `kappa` lies in."""
    low, high = math.log(min(curve.values())), math.log(max(curve.values()))
    position = (math.log(kappa) - low) / max(1e-9, high - low)
    return min(2, int(3 * position))


def fifths(curve: Curve) -> tuple[float, float]:
    """Means over the first and the last fifth of the logged steps."""
    values = [curve[step] for step in sorted(curve)]
    count = max(1, len(values) // 5)
    return sum(values[:count]) / count, sum(values[-count:]) / count


def late_latencies(curves: Mapping[str, Curve]) -> list[float | None]:
    """Mean expected latency, ms, over the second half of the logged steps, by third of price."""
    steps = sorted(curves["kappa"])
    late = steps[len(steps) // 2 :]
    found: list[float | None] = []
    for index in range(3):
        values = [
            curves["expected_latency_ms"][step]
            for step in late
            if third(curves["kappa"][step], curves["kappa"]) == index
        ]
        found.append(sum(values) / len(values) if values else None)
    return found


def _lead(run: Run) -> str:
    first, last = fifths(run.curves["entropy"])
    steps = sorted(run.curves["entropy"])
    text = (
        f"The mean entropy of α went from {first:.2f} to {last:.2f} nats (first and last fifth of "
        f"{plural(len(steps), 'logged step')}); undecided between all "
        f"{len(run.operations)} operations is {math.log(len(run.operations)):.2f}."
    )
    warm = run.curves.get("warmup_loss")
    if warm:
        text += f" The shared weights were warmed up until step {max(warm)}."
    return text


def _parted(curves: Mapping[str, Curve]) -> str:
    low, _, high = late_latencies(curves)
    if low is None or high is None:
        return "All prices were alike."
    return (
        f"In the second half, {digits(low)} ms are expected at low prices and {digits(high)} ms at "
        "high ones."
    )


def _alt(curves: Mapping[str, Curve]) -> str:
    first, last = fifths(curves["entropy"])
    return (
        f"Two drawings over steps: entropy of α, from {first:.2f} to {last:.2f} nats, and expected "
        f"latency. {_parted(curves)}"
    )


def _paint(canvas: Canvas, curves: Mapping[str, Curve], uniform: float) -> None:
    upper, lower = canvas.subplots(2, 1, sharex=True)
    _points(upper, curves["entropy"], curves["kappa"])
    upper.axhline(uniform, color=MUTED.light, linestyle="--", linewidth=1, label="uniform α")
    upper.set_ylabel("entropy of α, nats")
    upper.set_ylim(0, 1.08 * uniform)
    _points(lower, curves["expected_latency_ms"], curves["kappa"])
    drawing.ms_axis(lower, "y", curves["expected_latency_ms"].values(), "expected latency, ms")
    lower.set_xlabel("step")
    drawing.legend_below(canvas, upper, columns=4)


def _points(axes: Axes, curve: Curve, kappas: Curve) -> None:
    steps: Sequence[int] = sorted(curve)
    for index, look in enumerate(THIRDS):
        mine = [step for step in steps if third(kappas[step], kappas) == index]
        values = [curve[step] for step in mine]
        axes.plot(
            mine,
            values,
            look.marker,
            linestyle="-",
            linewidth=0.6,
            markersize=5.5,
            color=look.colour.light,
            label=look.label,
        )
