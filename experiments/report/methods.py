"""The sections that compare the arms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean, stdev

from benchmarks.markdown import table
from experiments import results
from experiments.paired import GAIN, LEAST_SEEDS, Difference, relative
from experiments.report.study import Study
from experiments.results import Family

CONTROLS = ("control", "random", "additive")

_WORDS = {
    "wins": "beats",
    "loses": "LOSES to",
    "ties": "TIES with",
    "undecided": "is not shown to beat",
}


def verdict(study: Study) -> str:
    """What the first arm is worth against its control and the two that must be beaten, in one
    sentence each, and that more seeds are needed where they are."""
    settings = study.settings
    if not study.first:
        return f"{settings.first} is not finished with any seed yet."
    found = {name: against(study, name) for name in CONTROLS if name in settings.arms}
    told = [_told(study, name, one) for name, one in found.items()]
    if not all(one is not None and one.has_a_verdict for one in found.values()):
        told.append(f"a verdict takes {LEAST_SEEDS} seeds")
    return f"{_by(study)}{'; '.join(told)}."


def _by(study: Study) -> str:
    """Of the latencies, what a reader must know before any figure that they are in."""
    if study.is_predicted:
        return "by predicted latency, "
    measured = len(study.latencies)
    if 2 * study.suspect > measured:
        return f"by latencies of which {study.suspect} of {measured} are suspect, "
    return ""


def _told(study: Study, name: str, difference: Difference | None) -> str:
    first = study.settings.first
    if difference is None:
        shared = {one.seed for one in study.first} & {f.seed for f in study.by_arm.get(name, [])}
        known = "nothing above the floor" if shared else "no finished seed in common with it yet"
        return f"{name} has {known}"
    if not difference.has_a_verdict:
        return f"{first} against {name} so far {_percent(difference, ' %')}"
    word = _WORDS[difference.verdict(study.settings.margin)]
    return f"{first} {word} {name} ({_percent(difference, ' %')})"


def against(study: Study, other: str) -> Difference | None:
    """The first arm against another, by hypervolume; None without a shared seed."""
    return relative(study.volumes.get(study.settings.first, {}), study.volumes.get(other, {}))


def hypervolume(study: Study) -> str:
    """Hypervolume, regret, distinct members, by arm."""
    settings = study.settings
    lost = results.regrets(study.families, settings)
    body = [
        (
            arm,
            str(len(of_arm)),
            _mean_volume(study.volumes[arm].values()),
            *_compared(study, arm),
            f"{100 * lost[arm]:.1f}" if lost else "",
            f"{mean(family.distinct for family in of_arm):.1f}",
            f"{mean(family.swaps for family in of_arm):.1f}",
        )
        for arm, of_arm in study.by_arm.items()
    ]
    head = (
        *("arm", "seeds", "hypervolume ± sd", f"{settings.first} against it, %", "verdict", "bar"),
        *("regret, %", "distinct members", "repair swaps"),
    )
    low, high = settings.span_ms
    floor, margin = 100 * settings.floor, 100 * settings.margin
    return f"""### Hypervolume

In points, over log latency from {low:g} to {high:g} ms: the mean accuracy above {floor:g} %
of the best member that is fast enough, by test images and {study.kind_of_latency} medians.
Differences are paired over seeds and relative, with 95 % t-intervals; one within ± {margin:g} % is
a tie. The bar: the interval above −{margin:g} % and the mean above +{100 * GAIN:g} %. Verdict and
bar take {LEAST_SEEDS} seeds: of fewer the difference is told alone. All seeds share the test
images, so that the error of these is not in the interval. Regret: how far below the best arm of the
same seed, over the seeds that all arms have ({len(results.shared_seeds(study.families))}).

{table(head, body)}"""


def _mean_volume(of_seeds: Iterable[float]) -> str:
    volumes = [100 * volume for volume in of_seeds]
    spread = f" ± {stdev(volumes):.2f}" if len(volumes) > 1 else ""
    return f"{mean(volumes):.2f}{spread}"


def _compared(study: Study, arm: str) -> tuple[str, str, str]:
    """The first arm against this one: the difference, its verdict and the bar."""
    difference = against(study, arm) if arm != study.settings.first else None
    if difference is None:
        return "", "", ""
    if not difference.has_a_verdict:
        return _percent(difference), "too few seeds", ""
    margin = study.settings.margin
    met = "met" if difference.clears(margin) else "missed"
    return _percent(difference), difference.verdict(margin), met


def _at_budget(families: Sequence[Family], budget_ms: float) -> str:
    """Of those that found a network for the budget."""
    points = [one.by_budget[budget_ms] for one in families if budget_ms in one.met]
    if not points:
        return "–"
    accuracy = 100 * mean(point.accuracy for point in points)
    told = f"{accuracy:.2f} at {mean(point.latency_ms for point in points):.3f}"
    return told if len(points) == len(families) else f"{told} ({len(points)})"


def budgets(study: Study) -> str:
    """Accuracy and latency at every budget, by arm."""
    body = [
        (
            arm,
            str(len(of_arm)),
            *(_at_budget(of_arm, budget_ms) for budget_ms in study.settings.budgets_ms),
        )
        for arm, of_arm in study.by_arm.items()
    ]
    head = ("arm", "seeds", *(f"{budget:g} ms" for budget in study.settings.budgets_ms))
    return f"""### Accuracy per budget

Test accuracy, %, at the {study.kind_of_latency} median, ms; means over the seeds of an arm, which
are others where their numbers differ. A budget is about the predicted upper bound of the 95th
percentile; where not all seeds found a network that keeps it, their number stands in brackets.

{table(head, body)}"""


def costs(study: Study) -> str:
    """CPU seconds by phase, and of one budget more, by arm."""
    body = []
    for arm, of_arm in study.by_arm.items():
        warm_up, joint, extract = (
            mean(f.cpu_s[phase] for f in of_arm) for phase in ("warm_up", "joint", "extract")
        )
        more = extract / len(study.settings.budgets_ms) + joint / _searches(study, arm)
        seconds = (warm_up, joint, extract, warm_up + joint + extract, more)
        body.append((arm, *(f"{s:.0f}" for s in seconds)))
    head = ("arm", "warm-up", "search", "extraction", "total", "one more budget")
    return f"""### Cost

CPU seconds, means over the seeds. A warm-up of the shared weights that several arms go on from is
charged to each of them. One more budget is a share of the extraction, and one more search for the
methods that search once per budget.

{table(head, body)}"""


def _searches(study: Study, arm: str) -> float:
    """How many searches an arm consists of; infinitely many where one is good for all budgets."""
    search = study.settings.params_of(arm, 0, study.task.root).search
    return float("inf") if "searches" in search.unread else search.searches


def _percent(difference: Difference, unit: str = "") -> str:
    mean_of = f"{100 * difference.mean:+.1f}"
    if difference.n == 1:
        told = f"{mean_of}{unit}, one seed"
    else:
        told = f"{mean_of} ± {100 * difference.half:.1f}{unit}, {difference.n} seeds"
    without = f" without {difference.nothing} in which it has nothing above the floor"
    return f"{told}{without if difference.nothing else ''}"
