"""The section of docs/benchmarks.md about serving."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.markdown import table
from benchmarks.pick import protocol
from benchmarks.pick.policies import LARGEST, MEAN, PICK
from benchmarks.pick.results import HEAD, are_one, bars, bookkeeping_bar, cells
from benchmarks.rows import Row

_SIMULATED = """## Does serving keep its budget? `make bench-pick`

`Family.serve` against members that never change: the largest, the most accurate one whose mean
latency fits, and what `Family.pick` names, whose 95th percentile fits ("pick"); and against an
oracle that knows how slow the board is. Misses are percent of the calls at which some member fits,
accuracies of what ran then.

### Made-up boards

Seven members as they were measured, on boards that slow down in six ways, at other rates and
budgets and with other seeds than the controller was tuned on; {count} thousand calls each.
"""
_REAL = """### Real members beside real load

{device}, {runtime}. All members and a server take turns while other processes come and go: none,
one that computes on every other core, one that moves memory there, and one that shares our core.

Budgets are {times} times the bound of the 95th percentile that `verify` found for the most accurate
member, which it runs over and over; a first look on another seed showed them to be reachable. In
turns, and after pauses, members find cold caches, and take nearly twice as long: the verified bound
does not hold for members that are run so.{missed}
"""
_AS_PICK = """
The pick by mean latency is at all of these budgets the same network as that by the percentile.
"""
_ONE = """
The three that never change are the same network at all of these budgets, the largest, so that
nothing here tells what picking is worth, and serving has no bar against them.
"""


def section(rows: Sequence[Row]) -> str:
    """Empty where there are no rows."""
    simulated, real, bookkeeping = (
        [one for one in rows if one["part"] == part]
        for part in ("simulated", "real", "bookkeeping")
    )
    parts = []
    if simulated:
        calls = cells(simulated)[0][1]
        note = _AS_PICK if are_one(simulated, (MEAN, PICK)) else ""
        parts.append(f"{_SIMULATED.format(count=calls)}{note}\n{_judged(simulated)}")
    if real:
        parts.append(f"{_of_real(real)}\n{_judged(real)}")
    if bookkeeping:
        of = bookkeeping[0]
        parts.append(f"### A call without its network\n\n{of['device']}.\n\n{_item(of)}")
    return "\n".join(parts)


def _of_real(rows: Sequence[Row]) -> str:
    """What was compared, and what that cannot show."""
    *some, last = (f"{times:g}" for times in protocol.REAL_BUDGETS)
    text = _REAL.format(**rows[0], times=f"{', '.join(some)} and {last}", missed=_missed(rows))
    return text + _ONE if are_one(rows, (LARGEST, MEAN, PICK)) else text


def _missed(rows: Sequence[Row]) -> str:
    """A sentence about the pick beside no load, where it has rows."""
    alone = [row for row in rows if (row["scenario"], row["policy"]) == ("none", PICK)]
    counts = [f"{row['misses']} of {row['feasible']} at {row['budget_ms']:g} ms" for row in alone]
    return f"\nCalls without load that the pick missed: {', '.join(counts)}." if counts else ""


def _judged(rows: Sequence[Row]) -> str:
    head = [*(" ".join(name.split()) for name in HEAD)]
    verdicts = "\n".join(f"- {line}" for line in bars(rows))
    return f"{table(head, cells(rows))}\n{verdicts}\n"


def _item(of: Row) -> str:
    return f"- {bookkeeping_bar(of['us'])}\n"
