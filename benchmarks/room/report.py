"""Rows of the room as tables of Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from benchmarks.markdown import table
from benchmarks.room.spread import ENOUGH, Room, rooms
from benchmarks.rows import Row, grouped

_HEAD = ("µs", "networks", "mean %", "worst", "best", "spread", "noise", "spread / noise")


def by_setting(rows: Sequence[Row], heading: str = "###") -> str:
    """A heading, a table and a verdict for everything that rows may differ in: data, space and
    recipe."""
    settings = list(grouped(rows, setting).values())
    titles = _titles([of_setting[0] for of_setting in settings])
    return "\n".join(
        f"{heading} {title}\n\n{_of_setting(of_setting)}"
        for title, of_setting in zip(titles, settings, strict=True)
    )


def _of_setting(rows: Sequence[Row]) -> str:
    found = rooms(rows, rows[0]["test_images"])
    if not found:
        return "No two networks of equal latency are trained yet.\n"
    enough = sum(one.enough for one in found)
    said = f"Room of {ENOUGH:g} times the noise or more at {enough} of {len(found)} latencies."
    return f"{table(_HEAD, map(_cells, found))}\n{said}\n"


def setting(row: Row) -> str:
    """Data, space and recipe but for its seed: rows of two settings are never compared."""
    parts = (row["data"], row["space"], {**row["recipe"], "seed": 0})
    return json.dumps(parts, sort_keys=True)


def _titles(rows: Sequence[Row]) -> list[str]:
    """For people, one for a row of every setting: where the short ones are equal, with what the
    settings differ in."""
    titles = [_short(row) for row in rows]
    groups = grouped(range(len(rows)), lambda number: titles[number])
    for twins in groups.values():
        flat = [{**rows[number]["space"], **rows[number]["recipe"], "seed": 0} for number in twins]
        for number, of in zip(twins, flat, strict=True):
            titles[number] += "".join(f", {key} {of.get(key)}" for key in _differing(flat))
    return titles


def _differing(flat: Sequence[Mapping[str, object]]) -> list[str]:
    keys = dict.fromkeys(key for of in flat for key in of)
    return [key for key in keys if any(of.get(key) != flat[0].get(key) for of in flat)]


def _short(row: Row) -> str:
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
