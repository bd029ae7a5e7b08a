"""Rows of outcomes, what they say of the bars, and a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import reduce
from operator import add, itemgetter

from benchmarks.bars import bar
from benchmarks.pick import protocol
from benchmarks.pick.policies import LARGEST, MEAN, ORACLE, PICK, SERVE, Outcome
from benchmarks.rows import Row, grouped

SHOWN = (SERVE, LARGEST, MEAN, PICK, ORACLE)


def row(part: str, scenario: str, outcome: Outcome, **conditions: object) -> Row:
    """An outcome under its conditions, as a line of JSON holds it."""
    return {"part": part, "scenario": scenario, **conditions, **asdict(outcome)}


def outcome(of: Row) -> Outcome:
    """What `row` wrote."""
    return Outcome(**{name: of[name] for name in Outcome.__dataclass_fields__})


def totals(rows: Iterable[Row]) -> dict[str, Outcome]:
    """The outcomes of every policy added up."""
    by_policy = grouped(rows, itemgetter("policy"))
    return {policy: sum_of(map(outcome, of)) for policy, of in by_policy.items()}


def sum_of(outcomes: Iterable[Outcome]) -> Outcome:
    """Of one policy, at least one."""
    return reduce(add, outcomes)


def by_scenario(rows: Iterable[Row]) -> dict[str, dict[str, Outcome]]:
    """`totals` of every scenario, in the order of the rows."""
    groups = grouped(rows, itemgetter("scenario"))
    return {name: totals(of) for name, of in groups.items()}


def miss_percent(of: Outcome) -> float:
    """Of the calls at which some member was feasible."""
    return 100 * of.misses / of.feasible if of.feasible else 0.0


def accuracy_percent(of: Outcome) -> float:
    """The mean of what ran at those calls."""
    return 100 * of.accuracy / of.feasible if of.feasible else 0.0


def are_one(rows: Iterable[Row], policies: Iterable[str]) -> bool:
    """Whether `policies` did the same in every row: fixed members, and everywhere the same one."""
    by_policy = grouped(rows, itemgetter("policy"))
    first, *others = (
        [(one["misses"], one["accuracy"]) for one in by_policy[policy]] for policy in policies
    )
    return all(other == first for other in others)


def bars(rows: Sequence[Row]) -> list[str]:
    """What was aimed at and whether it is met, a line each.

    Where the pick by mean latency was always the largest member, nothing was picked by it, and
    having fewer misses says nothing about picking: there is no such bar.
    """
    groups, every = by_scenario(rows), totals(rows)
    worst = max(groups, key=lambda name: miss_percent(groups[name][SERVE]))
    misses = miss_percent(groups[worst][SERVE])
    fewer = every[MEAN].misses / max(1, every[SERVE].misses)
    below = accuracy_percent(every[ORACLE]) - accuracy_percent(every[SERVE])
    most = 100 * protocol.MAX_MISS_SHARE
    than_mean = bar(
        fewer >= protocol.MIN_TIMES_FEWER,
        f"fewer misses than the pick by mean latency: {fewer:.1f} times",
        protocol.MIN_TIMES_FEWER,
        "times",
        "at least",
    )
    return [
        bar(misses <= most, f"misses in the worst scenario, {worst}: {misses:.2f} %", most, "%"),
        *([] if are_one(rows, (LARGEST, MEAN)) else [than_mean]),
        bar(
            below <= protocol.MAX_POINTS_BELOW,
            f"accuracy below the oracle: {below:.2f} points",
            protocol.MAX_POINTS_BELOW,
            "points",
        ),
    ]


def bookkeeping_bar(microseconds: float) -> str:
    """The same for the time of a call around its network."""
    most = protocol.MAX_BOOKKEEPING_US
    return bar(microseconds <= most, f"bookkeeping of a call: {microseconds:.1f} µs", most, "µs")


def cells(rows: Sequence[Row]) -> list[list[str]]:
    """A row per scenario: thousands of calls, the share of them that is feasible, misses of
    policies in percent, accuracy of serve and of the oracle, switches per 1000 calls."""
    found = []
    for name, of in by_scenario(rows).items():
        serve = of[SERVE]
        found.append(
            [
                name,
                f"{serve.calls / 1000:.0f}",
                f"{100 * serve.feasible / serve.calls:.0f}",
                *(f"{miss_percent(of[policy]):.2f}" for policy in SHOWN),
                f"{accuracy_percent(serve):.2f}",
                f"{accuracy_percent(of[ORACLE]):.2f}",
                f"{1000 * serve.switches / serve.calls:.2f}",
            ]
        )
    return found


HEAD = (
    *("scenario", "calls\nk", "fits\n%"),
    *("serve\n%", "largest\n%", "mean\n%", "pick\n%", "oracle\n%"),
    *("accuracy\nserve", "accuracy\noracle", "moves\n/ 1000"),
)
