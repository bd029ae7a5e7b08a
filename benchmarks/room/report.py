"""Rows of the room as tables of Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.markdown import table
from benchmarks.room.spread import ENOUGH, Room, rooms
from benchmarks.rows import Row, grouped

_HEAD = ("µs", "networks", "mean %", "worst", "best", "spread", "noise", "spread / noise")


def by_setting(rows: Sequence[Row], heading: str = "###") -> str:
    """A heading, a table and a verdict for everything that rows may differ in: data, space and
    recipe."""
    return "\n".join(
        f"{heading} {name}\n\n{_of_setting(of_group)}"
        for name, of_group in grouped(rows, setting).items()
    )


def _of_setting(rows: Sequence[Row]) -> str:
    found = rooms(rows, rows[0]["test_images"])
    if not found:
        return "No two networks of equal latency are trained yet.\n"
    enough = sum(one.enough for one in found)
    said = f"Room of {ENOUGH:g} times the noise or more at {enough} of {len(found)} latencies."
    return f"{table(_HEAD, map(_cells, found))}\n{said}\n"


def setting(row: Row) -> str:
    """What a row belongs to, for people; rows of two settings are never compared."""
    space, epochs = row["space"], row["recipe"]["epochs"]
    shape = [
        f"{key} {space[key]}" for key in ("widths", "width", "depths", "cells") if key in space
    ]
    operations = f"{len(space['operations'])} operations"
    return ", ".join([row["data"], space["name"], *shape, operations, f"{epochs} epochs"])


def _cells(one: Room) -> tuple[str, ...]:
    points = (one.mean, one.worst, one.best, one.spread, one.noise)
    return (
        f"{1e3 * one.latency_ms:.0f}",
        str(one.networks),
        *(f"{x:.2f}" for x in points),
        f"{one.ratio:.1f}",
    )
