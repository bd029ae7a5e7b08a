"""The section about the parts of the method."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean

from benchmarks.kendall import kendall
from benchmarks.markdown import table
from benchmarks.rows import Row, grouped
from experiments.paired import Difference, over_seeds
from experiments.report.family import heard
from experiments.report.study import Study
from experiments.settings import Ablations


def ablations(study: Study) -> str:
    """A row per arm, and what re-estimated BatchNorm changes."""
    if study.ablations is None or not study.ablated:
        return ""
    by_arm = grouped(study.ablated, lambda row: row["arm"])
    order = [arm for arm in study.ablations.arms if arm in by_arm]
    body = [
        (
            arm,
            str(len(by_arm[arm])),
            _told(_control(by_arm[arm], "bins")),
            _against(by_arm, arm, _peer(study.ablations, arm, study)),
            f"{mean(row['distinct_argmax'] for row in by_arm[arm]):.1f}",
            f"{mean(row['argmax_span'] for row in by_arm[arm]):.1f}",
            heard(by_arm[arm]),
            f"{mean(row['thrift'] for row in by_arm[arm]):+.2f}",
        )
        for arm in order
    ]
    head = (
        *("arm", "seeds", "against uniform α", "against the method as it is"),
        *("distinct by argmax", "span", "operations that hear S", "κ and latency"),
    )
    first = by_arm.get(study.ablations.first, [])
    return f"""### Ablations

The method without one of its parts, or with another one:
[ablations.yaml](../{study.task.ablations_file.as_posix()}). Nothing is trained. Numbers are
differences of cross-entropy in shared weights, BatchNorm re-estimated, between the best of two
sides in bins of equal latency: negative is better. The bins of a seed share its weights, so that
they are averaged, and the 95 % intervals are over seeds. Against uniform α, which has the same
weights; and against the method as it is in the same space, which has its own. The
other columns are those of "The family by argmax alone".

{table(head, body)}{_batch_norm(first)}"""


def _peer(ablations: Ablations, arm: str, study: Study) -> str:
    """The first arm of the same space."""
    spaces = {name: ablations.params_of(name, 0, study.task.root).space for name in ablations.arms}
    return next(name for name, space in spaces.items() if space == spaces[arm])


def _control(rows: Sequence[Row], kind: str) -> Difference | None:
    """Front minus that of uniform α."""
    return _over_seeds([one["search"] - one["control"] for one in row[kind]] for row in rows)


def _against(by_arm: Mapping[str, Sequence[Row]], arm: str, peer: str) -> str:
    """Front minus front, over the bins that both have in a seed."""
    if arm == peer or peer not in by_arm:
        return ""
    fronts = {(row["seed"], one["low_ms"]): one for row in by_arm[peer] for one in row["bins"]}
    shared = (
        [
            one["search"] - fronts[at]["search"]
            for one in row["bins"]
            if (at := (row["seed"], one["low_ms"])) in fronts
        ]
        for row in by_arm[arm]
    )
    return _told(_over_seeds(shared))


def _over_seeds(by_seed: Iterable[Sequence[float]]) -> Difference | None:
    """Of the differences in the bins of every seed: one number per seed that has bins, since those
    of a seed are no independent values. None without one."""
    means = [mean(of_seed) for of_seed in by_seed if of_seed]
    return over_seeds(means) if means else None


def _told(difference: Difference | None) -> str:
    if difference is None:
        return ""
    if difference.n == 1:
        return f"{difference.mean:+.4f}, one seed"
    return f"{difference.mean:+.4f} ± {difference.half:.4f}, {difference.n} seeds"


def _batch_norm(rows: Sequence[Row]) -> str:
    """What judging with a batch's own statistics, on fewer images, would have said."""
    if not rows:
        return ""
    judged = [(row["seed"], *one) for row in rows for one in row["judged"]]
    by_bin = grouped(judged, lambda one: one[:2]).values()
    tau = kendall([q for *_, q, _ in judged], [c for *_, c in judged], [one[:2] for one in judged])
    lost = mean(min(of)[1] - min(c for _, c in of) for of in map(_looks, by_bin))
    return f"""
BatchNorm re-estimated or not: a quick look (statistics of the batch, few images) orders finalists
of equal latency as the careful one does with Kendall's tau {tau:+.2f}; the best of a bin by the
quick look is worse by {lost:.4f} of cross-entropy than the best by the careful one. Against uniform
α the quick look says {_told(_control(rows, "quick_bins")) or "nothing"}.
"""


def _looks(of_bin: Sequence[tuple[float, ...]]) -> list[tuple[float, float]]:
    """(quick, careful) of every network of a bin."""
    return [(quick, careful) for *_, quick, careful in of_bin]
