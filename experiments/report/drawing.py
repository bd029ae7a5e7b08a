"""The figures of docs/results.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.rows import grouped
from experiments.report.study import Study
from experiments.results import Family
from pipeline.report.text import plural

_MARKS = "osD^v<>Pp*"


def draw_fronts(study: Study, path: Path) -> None:
    """Mean accuracy over mean latency at every budget that is kept, a line per arm, with the
    hand-designed networks; and each family's hypervolume over what it cost."""
    with _axes(path) as (fronts, costs):
        if study.handmade:
            latencies_ms, accuracies = zip(*(one.point for one in study.handmade), strict=True)
            shares = [100 * accuracy for accuracy in accuracies]
            fronts.plot(latencies_ms, shares, "x", color="0.5", label="hand-designed", zorder=0)
        for number, (arm, families) in enumerate(study.by_arm.items()):
            look: Mapping[str, Any] = {
                "marker": _MARKS[number % len(_MARKS)],
                "color": f"C{number}",
                "label": f"{arm}, {plural(len(families), 'seed')}",
                "markersize": 5,
            }
            budgets_ms = study.settings.budgets_ms
            fronts.plot(*_front(families, budgets_ms), linewidth=1.2, **look)
            costs.plot(
                [family.total_s for family in families],
                [100 * family.hypervolume(study.settings) for family in families],
                linestyle="none",
                **look,
            )
        _over_latency(fronts, f"{study.kind_of_latency} median latency, ms", "test accuracy, %")
        costs.set(xlabel="search and extraction, CPU seconds", ylabel="hypervolume, points")
        costs.set_xlim(0, 1.05 * costs.get_xlim()[1])
        fronts.legend(fontsize=8, frameon=False)


def draw_networks(study: Study, path: Path) -> None:
    """The networks of the room: what training makes of networks of equal latency, and how shared
    weights see them."""
    with _axes(path) as (room, rank):
        accuracy = {
            name: 100 * mean(row["test_accuracy"] for row in of)
            for name, of in grouped(study.own_room, lambda row: row["architecture"]).items()
        }
        bands = grouped(study.own_room, lambda row: row["latency_ms"])
        seen = {row["architecture"]: row["cross_entropy"] for row in study.rank}
        for number, (latency_ms, of_band) in enumerate(sorted(bands.items())):
            names = {row["architecture"]: row["predicted_ms"] for row in of_band}
            look: Mapping[str, Any] = {
                "marker": _MARKS[number % len(_MARKS)],
                "color": f"C{number}",
                "label": f"{1e3 * latency_ms:.0f} µs",
                "linestyle": "none",
                "markersize": 5,
            }
            room.plot([*names.values()], [accuracy[name] for name in names], **look)
            known = [name for name in names if name in seen]
            rank.plot([seen[name] for name in known], [accuracy[name] for name in known], **look)
        _over_latency(room, "predicted latency, ms", "test accuracy after training, %")
        rank.set(xlabel="cross-entropy in shared weights", ylabel="test accuracy after training, %")
        rank.invert_xaxis()
        rank.set_visible(bool(seen))
        room.legend(fontsize=8, frameon=False)


@contextmanager
def _axes(path: Path) -> Iterator[tuple[Any, Any]]:
    """Two, side by side, which are saved in the end; the same rows give the same file."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with matplotlib.rc_context({"svg.hashsalt": path.name}):
        figure, axes = pyplot.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
        yield axes[0], axes[1]
        for axis in axes:
            axis.grid(alpha=0.3)
            axis.spines[["top", "right"]].set_visible(False)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)


def _over_latency(axis: Any, x: str, y: str) -> None:
    from pipeline.report.drawing import ticks

    axis.set(xscale="log", xlabel=x, ylabel=y)
    limits = axis.get_xlim()
    at_ms = ticks(*limits)
    axis.set_xticks(at_ms, labels=[f"{tick:g}" for tick in at_ms])
    axis.minorticks_off()
    axis.set_xlim(limits)


def _front(
    families: Sequence[Family], budgets_ms: Sequence[float]
) -> tuple[list[float], list[float]]:
    points = [[f.by_budget[budget] for f in families if budget in f.met] for budget in budgets_ms]
    kept = [of_budget for of_budget in points if of_budget]
    return (
        [mean(p.latency_ms for p in of_budget) for of_budget in kept],
        [100 * mean(p.accuracy for p in of_budget) for of_budget in kept],
    )
