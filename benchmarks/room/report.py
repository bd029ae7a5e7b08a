"""Rows of the room as tables of Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.markdown import table
from benchmarks.room.spread import Room, rooms
from benchmarks.rows import Row, grouped

_HEAD = ("µs", "networks", "mean %", "worst", "best", "spread", "noise", "spread / noise")


def by_setting(rows: Sequence[Row]) -> str:
    """A heading and a table for everything that rows may differ in: data, space and recipe."""
    return "\n".join(
        f"### {name}\n\n{table(_HEAD, map(_cells, rooms(of_group, of_group[0]['test_images'])))}"
        for name, of_group in grouped(rows, setting).items()
    )


def setting(row: Row) -> str:
    """What a row belongs to, for people; rows of two settings are never compared."""
    space, epochs = row["space"], row["recipe"]["epochs"]
    return (
        f"{row['data']}, widths {space['widths']}, {len(space['operations'])} operations, "
        f"{epochs} epochs"
    )


def _cells(one: Room) -> tuple[str, ...]:
    points = (one.mean, one.worst, one.best, one.spread, one.noise)
    return (
        f"{1e3 * one.latency_ms:.0f}",
        str(one.networks),
        *(f"{x:.2f}" for x in points),
        f"{one.ratio:.1f}",
    )
