"""The figures of docs/results.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from experiments.results import Family, by_arm
from experiments.settings import Settings

_MARKS = "osD^v<>Pp*"
_TICKS_MS = (0.05, 0.1, 0.2, 0.4)


def draw_fronts(found: Sequence[Family], settings: Settings, path: Path) -> None:
    """Mean accuracy over mean latency at every budget, a line per arm; and each family's
    hypervolume over what it cost."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (fronts, costs) = pyplot.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    for number, (arm, families) in enumerate(by_arm(found).items()):
        look: Mapping[str, Any] = {
            "marker": _MARKS[number % len(_MARKS)],
            "color": f"C{number}",
            "label": arm,
            "markersize": 5,
        }
        fronts.plot(*_front(families, settings.budgets_ms), linewidth=1.2, **look)
        costs.plot(
            [family.total_s for family in families],
            [100 * family.hypervolume(settings) for family in families],
            linestyle="none",
            **look,
        )
    fronts.set(xscale="log", xlabel="median latency, ms", ylabel="test accuracy, %")
    fronts.set_xticks(_TICKS_MS, labels=[f"{tick:g}" for tick in _TICKS_MS])
    costs.set(xlabel="search and extraction, CPU seconds", ylabel="hypervolume, points")
    fronts.legend(fontsize=8, frameon=False)
    for axis in (fronts, costs):
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _front(
    families: Sequence[Family], budgets_ms: Sequence[float]
) -> tuple[list[float], list[float]]:
    points = [[family.by_budget[budget] for family in families] for budget in budgets_ms]
    return (
        [mean(p.latency_ms for p in of_budget) for of_budget in points],
        [100 * mean(p.accuracy for p in of_budget) for of_budget in points],
    )
