"""The section of docs/benchmarks.md about serving."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.markdown import table
from benchmarks.pick.results import HEAD, bars, bookkeeping_bar, cells
from benchmarks.rows import Row

_SIMULATED = """## Does serving keep its budget? `make bench-pick`

`Family.serve` against the largest member always, the pick by mean latency, and an oracle that knows
how slow the board is. Misses are percent of the calls at which some member fits, accuracies of what
ran then.

### Made-up boards

Seven members as they were measured, on boards that slow down in six ways, at other rates and
budgets and with other seeds than the controller was tuned on; {count} thousand calls each.
"""
_REAL = """### Real members beside real load

{device}, {runtime}. All members and a server take turns while other processes come and go: none,
one that computes on every other core, one that moves memory there, and one that shares our core.
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
        parts.append(f"{_SIMULATED.format(count=calls)}\n{_judged(simulated)}")
    if real:
        parts.append(f"{_REAL.format(**real[0])}\n{_judged(real)}")
    if bookkeeping:
        of = bookkeeping[0]
        parts.append(f"### A call without its network\n\n{of['device']}.\n\n{_item(of)}")
    return "\n".join(parts)


def _judged(rows: Sequence[Row]) -> str:
    head = [*(" ".join(name.split()) for name in HEAD)]
    verdicts = "\n".join(f"- {line}" for line in bars(rows))
    return f"{table(head, cells(rows))}\n{verdicts}\n"


def _item(of: Row) -> str:
    return f"- {bookkeeping_bar(of['us'])}\n"
