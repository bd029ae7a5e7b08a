"""The section about the source's experiment, beside its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.markdown import table
from benchmarks.rows import Row
from edge.observed import USABLE

AHEAD = 5.0  # points of test accuracy


@dataclass(frozen=True)
class SourcePoint:
    """A point of the simplex in the source: test accuracy on Fashion-MNIST, and parameters in
    thousands."""

    accuracy: float  # %
    parameters_k: float


SOURCE: Mapping[str, SourcePoint] = {
    "uniform": SourcePoint(82.5, 38),
    "few-conv": SourcePoint(79.2, 5),
    "few-pool": SourcePoint(85.0, 143),
    "few-skip": SourcePoint(81.4, 12),
}
"""Three operations, by the names of the points here; S. Firsov, 2024."""

_HEAD = (
    *("penalised", "conv", "pool", "identity", "parameters, k", "test accuracy, %", "ms"),
    *("source: parameters, k", "test accuracy, %", "bar"),
)


def points(rows: Sequence[Row], protocol: str) -> str:
    """All four, and whether each holds. A row without figures is of a point
    that found the network of an earlier one: its operation is not rarer. Rows of another
    `protocol` than today's are said to be that."""
    own = {row["point"]: row for row in rows if "counts" in row}
    held = sum(map(_holds, rows))
    penalised = [row for row in own.values() if row["penalised"]]
    fewer = sum(_is_rarer(row, own["uniform"]) for row in penalised)
    suspect = sum(row["verdict"] not in USABLE for row in own.values())
    return f"""## The source's experiment: cells of three operations

Fashion-MNIST, three cells of four nodes, convolution, pooling and identity; one search, read at the
source's four points of the simplex: equal penalties, and one operation penalised. How often an
operation stands on an edge, in all cells. {_settings(rows, protocol)}

Latency: {own["uniform"]["target"]}; {suspect} of {len(own)}
measurements are suspect, as beside other work.

{table(_HEAD, map(_cells, rows))}
The bar: {AHEAD:g} points above the source's figure, with no more parameters: it holds at {held} of
{len(rows)} points. The penalised operation is rarer than at equal penalties at {fewer} of
{len(rows) - 1} points. One seed; the source names neither its recipe nor its widths, and this is no
comparison on equal ground.
"""


def _settings(rows: Sequence[Row], protocol: str) -> str:
    link = "[run.yaml](../experiments/cell/run.yaml)"
    if all(row.get("protocol") == protocol for row in rows):
        return f"The settings: {link}, committed before its result."
    return (
        f"**The settings are older than {link},\nwhich has no result yet**: "
        "[experiments/README.md](../experiments/README.md) says what they were."
    )


def _cells(row: Row) -> tuple[str, ...]:
    theirs = SOURCE[row["point"]]
    return (
        row["penalised"] or "all alike",
        *_ours(row),
        f"{theirs.parameters_k:g}",
        f"{theirs.accuracy:.1f}",
        "holds" if _holds(row) else "missed",
    )


def _ours(row: Row) -> tuple[str, ...]:
    if "counts" not in row:
        return ("as above",) * 6
    return (
        *(str(count) for count in row["counts"].values()),
        f"{row['parameters'] / 1e3:.1f}",
        f"{100 * row['test_accuracy']:.1f}",
        f"{row['median_ms']:.3f}",
    )


def _holds(row: Row) -> bool:
    if "counts" not in row:
        return False
    theirs = SOURCE[row["point"]]
    is_ahead: bool = 100 * row["test_accuracy"] >= theirs.accuracy + AHEAD
    is_no_larger: bool = row["parameters"] <= 1e3 * theirs.parameters_k
    return is_ahead and is_no_larger


def _is_rarer(row: Row, uniform: Row) -> bool:
    count, of_uniform = (int(one["counts"][row["penalised"]]) for one in (row, uniform))
    return count < of_uniform
