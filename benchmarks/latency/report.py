"""What the benchmark shows: a table, whether the bars are met, and a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.latency.splits import BLOCKS, MACS, OPERATIONS, OURS, Score
from edge.text import fill, number, table

LENIENCE = {"onnxruntime": 1.0, "litert": 1.5}  # times the bars of the error

_PERCENT = 1e-2
_TICKS = [step * 10.0**decade for decade in range(-2, 4) for step in (1, 2, 5)]
_COLOURS = {  # the same in all drawings; of Okabe and Ito's colour-blind-safe set
    OURS: "#0072b2",
    BLOCKS: "#e69f00",
    f"{BLOCKS} × scale": "#d55e00",
    MACS: "#009e73",
    OPERATIONS: "#56b4e9",
    f"{OPERATIONS} × scale": "#cc79a7",
}


def as_text(scores: Sequence[Score]) -> str:
    """A row per method and number of measured networks."""
    head = [
        *("method", "n", "error\n%", "in 5 %\n%", "in 10 %\n%"),
        *("Spearman", "Kendall", "coverage\n%"),
    ]
    ordered = sorted(scores, key=lambda score: (score.n, score.error_percent))
    return table(head, [_row(score) for score in ordered])


def _row(score: Score) -> list[str]:
    return [
        score.method,
        str(score.n),
        number(score.error_percent, 2),
        number(score.within_5_percent, 1, _PERCENT),
        number(score.within_10_percent, 1, _PERCENT),
        number(score.spearman, 3),
        number(score.kendall, 3),
        number(score.coverage, 1, _PERCENT),
    ]


def bars(scores: Sequence[Score], noise_percent: float, lenience: float = 1.0) -> list[str]:
    """What was aimed at and whether it is met, a line each.

    The bars of the error are `lenience` times as high for a runtime that is given it, and on a
    machine whose repeats differ by more than 1 % that noise is added; a line says so.
    """
    found = {(score.method, score.n): score for score in scores}
    noise = noise_percent if noise_percent > 1 else 0.0
    lines = []
    for n, most in ((5, 2.5), (10, 2.0)):
        ours = found.get((OURS, n))
        if ours is not None:
            line = _bar(f"error at n = {n}, %", ours.error_percent, lenience * most + noise)
            lines.append(line + _allowances(most, lenience, noise))
    ours, macs = found.get((OURS, 5)), found.get((MACS, 5))
    if ours is not None and macs is not None:
        half = macs.error_percent / 2
        lines.append(_bar("error at n = 5 against half that of MACs, %", ours.error_percent, half))
    if (ours := found.get((OURS, 10))) is not None:
        share = 100 * ours.within_10_percent
        lines.append(_bar("within 10 % at n = 10, %", share, least=99.0))
    for n, least, most in ((5, 85.0, 95.0), (10, 87.0, 93.0), (20, 87.0, 93.0), (40, 87.0, 93.0)):
        ours = found.get((OURS, n))
        if ours is not None and ours.coverage is not None:
            se = None if ours.coverage_se is None else 100 * ours.coverage_se
            lines.append(_bar(f"coverage at n = {n}, %", 100 * ours.coverage, most, least, se))
    return lines


def _allowances(most: float, lenience: float, noise: float) -> str:
    """What a limit is made of, where it is not the bar itself."""
    parts = f"{lenience:g} × {most:.2f}" if lenience != 1 else f"{most:.2f}"
    if noise:
        parts += f" + {noise:.2f} of noise"
    return f" = {parts}" if noise or lenience != 1 else ""


def _bar(
    what: str,
    value: float,
    most: float | None = None,
    least: float | None = None,
    se: float | None = None,
) -> str:
    fails = (most is not None and value > most) or (least is not None and value < least)
    ends = [f"at least {least:.2f}"] if least is not None else []
    ends += [f"at most {most:.2f}"] if most is not None else []
    error = "" if se is None else f" ± {se:.2f}"
    return f"{'FAILS' if fails else 'holds'}  {what}: {value:.2f}{error}, {', '.join(ends)}"


def draw(scores: Sequence[Score], noise_percent: float, title: str, path: Path) -> None:
    """Error against the number of measured networks, and how often the interval holds."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (errors, coverage) = pyplot.subplots(1, 2, figsize=(9, 4.2), width_ratios=[3, 2])
    for method in dict.fromkeys(score.method for score in scores):
        rows = sorted((s for s in scores if s.method == method), key=lambda s: s.n)
        x, y = [s.n for s in rows], [s.error_percent for s in rows]
        width = 2.5 if method == OURS else 1.0
        errors.plot(x, y, "o-", label=method, linewidth=width, color=_COLOURS.get(method))
    errors.axhline(noise_percent, linestyle=":", color="grey", label="measuring again")
    sizes = sorted({score.n for score in scores})
    _axis(errors, sizes, "mean absolute error, %")
    errors.set_yscale("log")
    low, high = errors.get_ylim()
    ticks = [tick for tick in _TICKS if low < tick < high]
    errors.set_yticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    errors.set_yticks([], minor=True)
    figure.legend(fontsize=8, ncols=7, loc="lower center")
    held = [(s.n, 100 * s.coverage) for s in scores if s.coverage is not None]
    coverage.plot(*zip(*sorted(held), strict=True), "o-", color=_COLOURS[OURS])
    coverage.axhspan(87, 93, alpha=0.2)
    _axis(coverage, sizes, "measurements in the 90 % interval, %")
    figure.suptitle(fill(title), fontsize=9)
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    pyplot.close(figure)


def _axis(axes: Any, sizes: Sequence[int], label: str) -> None:
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlim(-0.2, 1.2 * max(1, *sizes))
    axes.set_xticks(sizes, labels=list(map(str, sizes)))
    axes.set_xticks([], minor=True)
    axes.set_xlabel("measured networks n")
    axes.set_ylabel(label)
