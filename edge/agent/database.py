"""An SQLite file that outlives power cuts, and is replaced where it did not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.files import sync_folder

_WAIT_S = 10.0  # for `facet agent status`, which reads while the agent writes
_COMPANIONS = ("", "-wal", "-shm")


def open_database(path: Path, schema: str) -> tuple[sqlite3.Connection, Path | None]:
    """The database in `path`, made where it is missing, and where the damaged one lies now.

    Every commit is on the disk before it returns (WAL, synchronous=FULL). A file that fails
    SQLite's integrity check is renamed to ``<name>.damaged``, in place of an earlier one, and
    replaced by an empty database. Raises sqlite3.OperationalError where the disk refuses.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _open(path, schema), None
    except sqlite3.DatabaseError as error:
        if not _is_damage(error):
            raise
    return _open(_set_aside(path), schema), damaged_copy(path)


def read_only(path: Path) -> sqlite3.Connection:
    """For looking at a database that another process may write to."""
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_WAIT_S)
    database.row_factory = sqlite3.Row
    return database


def damaged_copy(path: Path) -> Path:
    """Where the database `path` is put when it is damaged."""
    return path.with_name(f"{path.name}.damaged")


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All that is done inside, or nothing."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if database.in_transaction:  # a full disk rolls back on its own
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _open(path: Path, schema: str) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)
    try:
        database.row_factory = sqlite3.Row
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")  # counts only before the first table
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA journal_size_limit = 1048576")
        found = [row[0] for row in database.execute("PRAGMA integrity_check")]
        if found != ["ok"]:
            raise sqlite3.DatabaseError(f"damaged: {found[0]}")
        database.executescript(schema)
    except BaseException:
        database.close()
        raise
    return database


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Of the subclasses, one says that the disk is full or locked, others that we are wrong."""
    return type(error) is sqlite3.DatabaseError


def _set_aside(path: Path) -> Path:
    for ending in _COMPANIONS:
        old = path.with_name(path.name + ending)
        if old.exists():
            old.replace(damaged_copy(path).with_name(damaged_copy(path).name + ending))
    sync_folder(path.parent)
    return path
