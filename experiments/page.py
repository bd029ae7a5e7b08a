"""docs/results.md: what the rows of the experiments say, the verdict first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev

from benchmarks.markdown import table
from edge.files import write_atomic
from experiments import results, rows
from experiments.drawing import draw_fronts
from experiments.folder import TaskFolder
from experiments.paired import Difference, relative
from experiments.results import Family, by_arm, hypervolumes
from experiments.settings import Settings

PAGE = Path("docs/results.md")
FIGURE = Path("docs/figures/experiments.svg")
CONTROLS = ("control", "random")

_HEAD = """# Results: methods of search on equal ground

Written by `python -m experiments page` from the rows in `experiments/results/`. What is compared,
on what and how it is judged was committed before the first row:
[experiments/README.md](../experiments/README.md).
"""


def write(settings: Settings, task: TaskFolder) -> None:
    """Write the page, and its figure where there is a finished cell."""
    latencies = rows.of(rows.LATENCIES, task)
    found = results.families(rows.of(rows.CELLS, task), rows.of(rows.NETWORKS, task), latencies)
    if found:
        draw_fronts(found, settings, task.root / FIGURE)
    machine = latencies[0]["target"]["device"] if latencies else ""
    write_atomic(task.root / PAGE, page(found, settings, machine))


def page(found: Sequence[Family], settings: Settings, machine: str) -> str:
    """The whole page; without a finished family it says so."""
    if not found:
        return f"{_HEAD}\nNo cell is finished yet: `make experiments`.\n"
    sections = [
        f"**{verdict(found, settings)}**\n\n{_HEAD}",
        f"Machine: {machine}, one thread, ONNX Runtime. {_finished(found)}\n",
        "![Fronts, and hypervolume against cost](figures/experiments.svg)\n",
        _hypervolumes(found, settings),
        _budgets(found, settings),
        _costs(found),
    ]
    return "\n".join(sections)


def verdict(found: Sequence[Family], settings: Settings) -> str:
    """What the first arm is worth against both controls, in one sentence each."""
    told = [
        f"{settings.first} {said} {name} ({_percent(difference)})"
        for name in CONTROLS
        if (difference := _against(found, settings, name)) is not None
        for said in [_WORDS[difference.verdict(settings.margin)]]
    ]
    return "; ".join(told) + "." if told else "No control is finished yet."


_WORDS = {
    "wins": "beats",
    "loses": "LOSES to",
    "ties": "TIES with",
    "undecided": "is not shown to beat",
}


def _against(found: Sequence[Family], settings: Settings, other: str) -> Difference | None:
    """The first arm against another."""
    volumes = {arm: hypervolumes(of_arm, settings) for arm, of_arm in by_arm(found).items()}
    return relative(volumes.get(settings.first, {}), volumes.get(other, {}))


def _finished(found: Sequence[Family]) -> str:
    counts = [f"{arm} {len(of_arm)}" for arm, of_arm in by_arm(found).items()]
    return f"Finished seeds: {', '.join(counts)}."


def _hypervolumes(found: Sequence[Family], settings: Settings) -> str:
    lost = results.regrets(found, settings)
    body = []
    for arm, of_arm in by_arm(found).items():
        volumes = [100 * family.hypervolume(settings) for family in of_arm]
        spread = f" ± {stdev(volumes):.2f}" if len(volumes) > 1 else ""
        difference = _against(found, settings, arm) if arm != settings.first else None
        body.append(
            (
                arm,
                str(len(volumes)),
                f"{mean(volumes):.2f}{spread}",
                "" if difference is None else _percent(difference),
                "" if difference is None else difference.verdict(settings.margin),
                f"{100 * lost[arm]:.1f}",
                f"{mean(family.distinct for family in of_arm):.1f}",
                f"{mean(family.distinct_argmax for family in of_arm):.1f}",
            )
        )
    head = (
        *("arm", "seeds", "hypervolume ± sd", f"{settings.first} against it, %", "verdict"),
        *("regret, %", "distinct members", "distinct by argmax"),
    )
    low, high = settings.span_ms
    floor, margin = 100 * settings.floor, 100 * settings.margin
    return f"""## Hypervolume

In points, over log latency from {low:g} to {high:g} ms: the mean accuracy above {floor:g} %
of the best member that is fast enough, by test images and measured medians. Differences are paired
over seeds and relative, with 95 % t-intervals; within ± {margin:g} % is a tie. Regret: how far
below the best arm of the same seed.

{table(head, body)}"""


def _budgets(found: Sequence[Family], settings: Settings) -> str:
    body = []
    for arm, of_arm in by_arm(found).items():
        cells = [arm]
        for budget_ms in settings.budgets_ms:
            points = [family.by_budget[budget_ms] for family in of_arm]
            accuracy = 100 * mean(point.accuracy for point in points)
            cells.append(f"{accuracy:.2f} at {mean(point.latency_ms for point in points):.3f}")
        body.append(cells)
    head = ("arm", *(f"{budget:g} ms" for budget in settings.budgets_ms))
    return f"""## Accuracy per budget

Test accuracy, %, at the measured median, ms; means over the seeds. A budget is about the predicted
upper bound of the 95th percentile.

{table(head, body)}"""


def _costs(found: Sequence[Family]) -> str:
    body = []
    for arm, of_arm in by_arm(found).items():
        phases = [mean(f.cpu_s[p] for f in of_arm) for p in ("warm_up", "joint", "extract")]
        body.append((arm, *(f"{s:.0f}" for s in phases), f"{sum(phases):.0f}"))
    return f"""## Cost

CPU seconds, means over the seeds. A warm-up of the shared weights that several arms go on from is
charged to each of them.

{table(("arm", "warm-up", "search", "extraction", "total"), body)}"""


def _percent(difference: Difference) -> str:
    half = f" ± {100 * difference.half:.1f}" if difference.n > 1 else ", one seed"
    return f"{100 * difference.mean:+.1f}{half}"
