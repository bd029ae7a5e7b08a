"""The sections about other people's networks: hand-designed ones, and the source's figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean
from typing import NamedTuple

from benchmarks.markdown import table
from experiments.handmade import AT_SHARE, CLOSE, Duel, Handmade, duels
from experiments.report.points import SOURCE
from experiments.report.study import Study


class Published(NamedTuple):
    """A figure of somebody else's."""

    source: str
    what: str
    accuracy: float  # %
    parameters: str


_POINTS = (
    "S uniform",
    "convolutions penalised",
    "pooling penalised",
    "identity penalised",
)


def _of_points(
    operations: str, accuracies: Sequence[float], parameters: Sequence[str] = ("",) * len(_POINTS)
) -> list[Published]:
    """What the source reports at its own points of the simplex."""
    return [
        Published("the source", f"{operations}, {point}", accuracy, size)
        for point, accuracy, size in zip(_POINTS, accuracies, parameters, strict=True)
    ]


PUBLISHED: Mapping[str, Sequence[Published]] = {
    "fashion-mnist": (
        *_of_points(
            "3 operations",
            [one.accuracy for one in SOURCE.values()],
            [f"{one.parameters_k:g}k" for one in SOURCE.values()],
        ),
        *_of_points("5 operations", (85.6, 82.4, 85.6, 85.6)),
        Published("DARTS-CC, retrained", "the best of all", 93.4, ""),
        Published("DARTS-CC", "random cells", 94.2, "178k"),
    ),
    "cifar-10": _of_points("cells", (71.0, 52.4, 73.8, 68.4)),
}
"""The slides that this method comes from, and DARTS-CC (Yakovlev et al., 2021) before it."""


def references(study: Study) -> str:
    """All hand-designed networks, and a duel per budget."""
    if not study.handmade:
        return ""
    body = [
        (
            one.name,
            f"{one.point.latency_ms:.3f}",
            f"{100 * one.point.accuracy:.2f}",
            str(one.seeds),
            f"{one.macs / 1e6:.2f}",
            f"{one.parameters / 1e3:.0f}",
        )
        for one in study.handmade
    ]
    head = ("network-width", "ms", "test accuracy, %", "seeds", "MACs, M", "parameters, k")
    return f"""### Hand-designed networks

Trained with the same recipe, measured in the same session.

{table(head, body)}{_duels(study)}"""


def _duels(study: Study) -> str:
    by_budget = duels(study.first, study.handmade)
    if not by_budget:
        return ""
    body = [
        (
            f"{budget_ms:g}",
            f"{100 * mean(d.member.accuracy for d in of):.2f} at "
            f"{mean(d.member.latency_ms for d in of):.3f}",
            _named(d.no_slower for d in of),
            _named(d.best for d in of),
            f"{sum(d.beats for d in of)}, {sum(d.is_close and not d.beats for d in of)}",
            f"{sum(d.holds for d in of)} of {len(of)}",
        )
        for budget_ms, of in by_budget.items()
    ]
    head = (
        *("budget, ms", f"{study.settings.first}: % at ms", "best that is no slower"),
        *("best of all", "seeds that beat, that are close", "bar holds in"),
    )
    return f"""
The bar for a member: it beats every network that is no slower, or it is within
{100 * CLOSE:g} points of the best of all at {100 * AT_SHARE:g} % of its latency. Seed by seed,
against the mean of the networks' seeds.

{table(head, body)}
{_said(study, by_budget)}
"""


def _said(study: Study, by_budget: Mapping[float, Sequence[Duel]]) -> str:
    """Whether the bar holds, once everything that it is about is there."""
    settings, wanted = study.settings, study.settings.references.trainings
    seeds, all_seeds = len(study.first), len(settings.seeds_of(settings.first))
    there = {one for one in wanted & study.trained if one[0] in study.measured_ms}
    if seeds < all_seeds or there < wanted:
        return (
            f"No verdict yet: {len(there)} of {len(wanted)} trainings of hand-designed networks "
            f"and {seeds} of {all_seeds} seeds of {settings.first} are there."
        )
    held = sum(all(d.holds for d in of) for of in by_budget.values())
    return f"The bar holds in all seeds at {held} of {len(by_budget)} budgets."


def _named(opponents: Iterable[Handmade | None]) -> str:
    """Those that any seed met."""
    different = dict.fromkeys(opponents)
    return ", ".join(
        "none is as fast"
        if one is None
        else f"{one.name}: {100 * one.point.accuracy:.2f} at {one.point.latency_ms:.3f}"
        for one in different
    )


def published(study: Study) -> str:
    """Figures that others reported on the same images, and ours."""
    theirs = PUBLISHED.get(study.params.data.name, ())
    if not theirs or not study.first:
        return ""
    parameters = {row["architecture"]: row.get("parameters") for row in study.networks}
    rows = [cell for cell in study.cells if cell["arm"] == study.settings.first]
    body = [(one.source, one.what, f"{one.accuracy:.1f}", one.parameters) for one in theirs]
    for n, budget_ms in enumerate(study.settings.budgets_ms):
        sizes = [parameters.get(cell["members"][n]["architecture"]) for cell in rows]
        known = [size for size in sizes if size is not None]
        accuracy = 100 * mean(family.by_budget[budget_ms].accuracy for family in study.first)
        size = f"{mean(known) / 1e3:.0f}k" if known else ""
        body.append((f"{study.settings.first}, here", f"{budget_ms:g} ms", f"{accuracy:.1f}", size))
    return f"""### What others reported

Test accuracy on the same images, %; not on equal ground: other spaces, recipes and numbers of
training images, and no latency. The comparison that counts is the one above.

{table(("whose", "what", "test accuracy, %", "parameters"), body)}"""
