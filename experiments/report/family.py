"""The section about what α became: a family, and one that can be steered."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from benchmarks.markdown import table
from benchmarks.rows import Row, grouped
from experiments.report.study import Study

DISTINCT = 12  # networks by argmax alone, in every seed
SPAN = 4.0  # ratio of latencies from one end of them to the other, in every seed


def alpha(study: Study) -> str:
    """Distinct networks and their span in the worst seed, and how S and κ are heard, by arm."""
    cells = [row for row in study.cells if row["distinct_argmax"] and "steering" in row]
    if not cells:
        return ""
    body = [
        (
            arm,
            str(len(of_arm)),
            f"{mean(row['distinct_argmax'] for row in of_arm):.1f}",
            str(min(row["distinct_argmax"] for row in of_arm)),
            f"{min(row['argmax_span'] for row in of_arm):.1f}",
            heard(of_arm),
            f"{mean(row['thrift'] for row in of_arm):+.2f}",
        )
        for arm, of_arm in grouped(cells, lambda row: row["arm"]).items()
    ]
    head = (
        *("arm", "seeds", "distinct by argmax", "least", "least span"),
        *("operations that hear S", "κ and latency"),
    )
    return f"""### The family by argmax alone

Distinct: on the front in shared weights, 3 % apart in latency. The bar: {DISTINCT} and a span of
{SPAN:g} in every seed: {_bar(study)}. An operation hears S where its use falls as its share of S
grows: Spearman below 0 over 256 points, in all seeds (worst of all in brackets). κ and latency:
Spearman, −1 where a higher price always makes networks faster.

{table(head, body)}"""


def heard(rows: Sequence[Row]) -> str:
    """How many operations a larger share of S makes rarer in all rows, and the worst of all."""
    worst = {op: max(row["steering"][op] for row in rows) for op in rows[0]["steering"]}
    negative = sum(value < 0 for value in worst.values())
    return f"{negative} of {len(worst)} ({max(worst.values()):+.2f})"


def _bar(study: Study) -> str:
    first = [row for row in study.cells if row["arm"] == study.settings.first]
    met = [
        row["distinct_argmax"] >= DISTINCT and row.get("argmax_span", 0) >= SPAN for row in first
    ]
    settings = study.settings
    asked = len(settings.seeds_of(settings.first))
    so_far = "" if len(met) == asked else f" so far, of {asked}"
    return f"{settings.first} meets it in {sum(met)} of {len(met)} seeds{so_far}"
