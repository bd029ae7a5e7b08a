"""What was measured and is not acknowledged yet: an SQLite database with a cap.

An item is known by its content, so that adding it twice is adding it once, and it is deleted only
when the hub has said that it holds it. Items go out in batches. A batch that may have arrived is
sent again as it was, before anything else: were a record thinned after it arrived, the hub would
hold one measurement as two. An item that went alone, and over which the hub broke down, goes last.

Where the cap is reached, raw samples go before summaries: first what the hub refused, then the
oldest records are thinned (`edge.thin`), and only when all are thin the oldest are dropped, those
of applications before those that were ordered.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from edge.agent.database import open_database, read_only, transaction
from edge.agent.items import DeadLetter, Item, Standing

DEFAULT_CAP_BYTES = 64 << 20
MIN_CAP_BYTES = 1 << 20

_OVERHEAD_BYTES = 300  # of a row: its ids, and its places in the indexes
_SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,  -- by arrival
    id       TEXT NOT NULL UNIQUE,
    kind     TEXT NOT NULL,
    order_id TEXT,                               -- NULL: an application's own times
    content  BLOB NOT NULL,
    thin     INTEGER NOT NULL,                   -- nothing of it can be left out
    bytes    INTEGER NOT NULL,
    batch    INTEGER NOT NULL DEFAULT 0,         -- that it may have arrived with, or 0
    refused  TEXT                                -- why the hub refused it: a dead letter
);
CREATE INDEX IF NOT EXISTS items_by_turn ON items (thin DESC, bytes, number);
CREATE INDEX IF NOT EXISTS items_by_order ON items (order_id);
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""
_LATE = 1 << 40  # batches from here on are items that went alone and were too much for the hub
_SENT = f"batch BETWEEN 1 AND {_LATE - 1}"
_ON_ITS_WAY = f"batch = (SELECT min(batch) FROM items WHERE {_SENT})"
_POSTPONED = f"batch = (SELECT min(batch) FROM items WHERE batch >= {_LATE})"
_READY = "batch = 0 AND refused IS NULL"


class Spool:
    """The spool in the file `path`, as a context manager; one process at a time writes to it.

    `damaged` is where a database lies now that failed its integrity check, if one did. Raises
    sqlite3.OperationalError where the disk refuses.
    """

    def __init__(self, path: Path, cap_bytes: int = DEFAULT_CAP_BYTES) -> None:
        self._cap_bytes = max(cap_bytes, MIN_CAP_BYTES)
        self._database, self.damaged = open_database(path, _SCHEMA)
        self._drop_rotten()

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    def add(self, items: Iterable[Item]) -> None:
        """Keep all of `items` or, where the disk refuses, none; those it holds are left out.

        They take the place of what the hub refused of their orders before: it was measured again.
        """
        items = list(items)
        with transaction(self._database):
            for order in {item.order for item in items}:
                self._bury(order)
            for item in items:
                self._insert(item)

    def batch(self, max_bytes: int, max_items: int) -> list[Item]:
        """What to send next, of one order: summaries before raw samples; [] where nothing waits.

        The same batch again until it is acknowledged, refused, split or postponed.
        """
        if not (batch := self._items(_ON_ITS_WAY)):
            with transaction(self._database):
                chosen = self._choose(min(max_bytes, self._cap_bytes // 4), max_items)
                self._mark(chosen, 1)
            batch = self._items(_ON_ITS_WAY) or self._items(_POSTPONED)
        return batch

    def acknowledge(self, items: Sequence[Item]) -> None:
        """The hub holds `items`: forget them."""
        with transaction(self._database):
            self._delete(item.id for item in items)
            self._count("delivered", len(items))
        if not self.standing().waiting:  # what an outage took goes back to the disk
            self._database.executescript("PRAGMA incremental_vacuum")

    def split(self, items: Sequence[Item]) -> None:
        """Something in this batch is not taken: its halves are the next batches."""
        with transaction(self._database):
            last = self._last_batch(_SENT)
            self._mark((item.id for item in items[(len(items) + 1) // 2 :]), last + 1)

    def postpone(self, item: Item) -> None:
        """`item` may have arrived, and is sent again when nothing else waits."""
        with transaction(self._database):
            self._mark([item.id], max(_LATE, self._last_batch("TRUE") + 1))

    def replace(self, item: Item, other: Item) -> None:
        """`other` is sent in place of `item`."""
        with transaction(self._database):
            self._replace(item.id, other)

    def refuse(self, item: Item, reason: str) -> None:
        """The hub will never take `item`: it becomes a dead letter."""
        with transaction(self._database):
            query = "UPDATE items SET refused = ?, batch = 0 WHERE id = ?"
            self._database.execute(query, (reason, item.id))

    def holds(self, order: str) -> bool:
        """Whether anything of `order` waits: then it has been measured."""
        return self._first("order_id = ? AND refused IS NULL", order) is not None

    def refused(self, order: str) -> bool:
        """Whether the hub has refused anything of `order`."""
        return self._first("order_id = ? AND refused IS NOT NULL", order) is not None

    def standing(self) -> Standing:
        return _standing(self._database)

    def dead_letters(self, limit: int = 20) -> list[DeadLetter]:
        """The last ones, newest first."""
        return _dead_letters(self._database, limit)

    def _drop_rotten(self) -> None:
        """SQLite checks its pages, not what is in them: an item's id tells that it is whole."""
        rotten = []
        for row in self._database.execute("SELECT * FROM items"):
            try:
                whole = _item(row).id == row["id"]
            except UnicodeDecodeError:
                whole = False
            if not whole:
                rotten.append(row["id"])
        if rotten:
            with transaction(self._database):
                self._delete(rotten)
                self._count("dropped", len(rotten))

    def _bury(self, order: str | None) -> None:
        """Forget the dead letters of `order`; those of applications have none, and stay."""
        query = "DELETE FROM items WHERE order_id = ? AND refused IS NOT NULL"
        self._database.execute(query, (order,))

    def _insert(self, item: Item) -> None:
        if self._first("id = ?", item.id) is not None:
            return
        if _size(item) > self._cap_bytes and not item.thin:
            item = item.thinned()
            self._count("thinned", 1)
        self._make_room(_size(item))
        self._database.execute(
            "INSERT OR IGNORE INTO items (id, kind, order_id, content, thin, bytes) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (item.id, item.kind, item.order, item.content.encode(), item.thin, _size(item)),
        )

    def _make_room(self, needed_bytes: int) -> None:
        while self._bytes() + needed_bytes > self._cap_bytes:
            refused = self._first("refused IS NOT NULL")
            raw = None if refused else self._first(f"{_READY} AND thin = 0")
            if raw is not None:
                item = _item(raw)
                self._replace(item.id, item.thinned())
                self._count("thinned", 1)
                continue
            oldest = (
                refused
                or self._first(f"{_READY} AND order_id IS NULL")
                or self._first(_READY)
                or self._first(_POSTPONED)
            )
            if oldest is None:  # the rest is on its way, and a quarter of the cap at most
                return
            self._delete([oldest["id"]])
            self._count("dropped", 1)

    def _choose(self, max_bytes: int, max_items: int) -> list[str]:
        """Ids of the next batch; its first item whatever its size."""
        first = self._database.execute(
            f"SELECT order_id FROM items WHERE {_READY} ORDER BY thin DESC, bytes, number LIMIT 1"
        ).fetchone()
        if first is None:
            return []
        rows = self._database.execute(
            f"SELECT id, bytes FROM items WHERE {_READY} AND order_id IS ? "
            "ORDER BY thin DESC, bytes, number LIMIT ?",
            (first["order_id"], max_items),
        )
        chosen: list[str] = []
        total_bytes = 0
        for row in rows:
            total_bytes += row["bytes"]
            if chosen and total_bytes > max_bytes:
                break
            chosen.append(row["id"])
        return chosen

    def _items(self, where: str) -> list[Item]:
        rows = self._database.execute(f"SELECT * FROM items WHERE {where} ORDER BY number")
        return [_item(row) for row in rows]

    def _first(self, where: str, *values: Any) -> sqlite3.Row | None:
        query = f"SELECT * FROM items WHERE {where} ORDER BY number LIMIT 1"
        row: sqlite3.Row | None = self._database.execute(query, values).fetchone()
        return row

    def _replace(self, id_: str, other: Item) -> None:
        self._database.execute(
            "UPDATE OR REPLACE items SET id = ?, content = ?, thin = ?, bytes = ? WHERE id = ?",
            (other.id, other.content.encode(), other.thin, _size(other), id_),
        )

    def _mark(self, ids: Iterable[str], batch: int) -> None:
        query = "UPDATE items SET batch = ? WHERE id = ?"
        self._database.executemany(query, [(batch, id_) for id_ in ids])

    def _delete(self, ids: Iterable[str]) -> None:
        self._database.executemany("DELETE FROM items WHERE id = ?", [(id_,) for id_ in ids])

    def _last_batch(self, where: str) -> int:
        query = f"SELECT coalesce(max(batch), 0) FROM items WHERE {where}"
        last: int = self._database.execute(query).fetchone()[0]
        return last

    def _count(self, name: str, more: int) -> None:
        self._database.execute(
            "INSERT INTO counts (name, value) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
            (name, more),
        )

    def _bytes(self) -> int:
        total: int = self._database.execute("SELECT coalesce(sum(bytes), 0) FROM items").fetchone()[
            0
        ]
        return total


def look(path: Path, limit: int = 20) -> tuple[Standing, list[DeadLetter]]:
    """How full the spool in `path` is and what was refused, while an agent may be using it.

    Raises sqlite3.Error where there is none that can be read.
    """
    database = read_only(path)
    try:
        return _standing(database), _dead_letters(database, limit)
    finally:
        database.close()


def _standing(database: sqlite3.Connection) -> Standing:
    waiting, waiting_bytes, dead = database.execute(
        "SELECT count(*) FILTER (WHERE refused IS NULL), "
        "coalesce(sum(bytes) FILTER (WHERE refused IS NULL), 0), "
        "count(*) FILTER (WHERE refused IS NOT NULL) FROM items"
    ).fetchone()
    counts = {row["name"]: row["value"] for row in database.execute("SELECT * FROM counts")}
    return Standing(waiting, waiting_bytes, dead, **counts)


def _dead_letters(database: sqlite3.Connection, limit: int) -> list[DeadLetter]:
    rows = database.execute(
        "SELECT id, order_id, refused FROM items WHERE refused IS NOT NULL "
        "ORDER BY number DESC LIMIT ?",
        (limit,),
    )
    return [DeadLetter(row["id"], row["order_id"], row["refused"]) for row in rows]


def _item(row: sqlite3.Row) -> Item:
    return Item(row["kind"], row["order_id"], row["content"].decode(), bool(row["thin"]))


def _size(item: Item) -> int:
    return len(item.content.encode()) + _OVERHEAD_BYTES
