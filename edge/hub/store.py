"""The hub's database: SQLite by default, whatever SQLAlchemy reads by its URL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    create_engine,
    event,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.exc import DatabaseError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from edge.errors import EdgeError
from edge.hub.tables import SCHEMA_VERSION, Base, Boot, Identity, Version

_WRITING = "edgefacet_writing"
_LOCK = 0x6564_6765  # of PostgreSQL: any number that all hubs share
_BUSY_MS = 30_000

Synchronous = Literal["FULL", "EXTRA", "NORMAL"]


class StoreError(EdgeError, OSError):
    """A database that is damaged, out of reach, or of a newer version."""


class Store:
    """Sessions on the database at `url`, whose tables are made where they are missing.

    One writer at a time, so that arrival numbers become visible in their order: a reader that
    goes on behind the last one it has seen misses nothing. With SQLite a commit is on the disk
    before it returns, unless `synchronous` says otherwise. Raises StoreError.
    """

    def __init__(self, url: str, synchronous: Synchronous = "FULL") -> None:
        self._engine = _engine(url, synchronous)
        self._writer = self._engine.execution_options(**{_WRITING: True})
        self._reader = self._engine
        if self._engine.dialect.name == "postgresql":  # where a transaction is not one view
            self._reader = self._engine.execution_options(isolation_level="REPEATABLE READ")
        try:
            with self.writing() as session:
                Base.metadata.create_all(session.connection())
                _check_version(session)
        except SQLAlchemyError as error:
            raise StoreError(
                f"the database {_shown(self._engine.url)} cannot be used ({_reason(error)}): "
                f"{_advice(self._engine, error)}"
            ) from error

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One consistent view."""
        with Session(self._reader) as session, session.begin():
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """All that is done inside, or nothing; committed at the end."""
        with Session(self._writer) as session, session.begin():
            yield session

    def problems(self) -> list[str]:
        """What SQLite's integrity check finds; [] for another database."""
        if self._engine.dialect.name != "sqlite":
            return []
        try:
            with self.reading() as session:
                found = session.scalars(text("PRAGMA integrity_check")).all()
                broken = session.execute(text("PRAGMA foreign_key_check")).all()
        except DatabaseError as error:  # too damaged to be looked through
            return [_reason(error)]
        return [*(line for line in found if line != "ok"), *map(str, broken)]

    def close(self) -> None:
        self._engine.dispose()


def sqlite_url(path: Path) -> str:
    """The URL of an SQLite file."""
    return f"sqlite:///{path}"


def _engine(url: str, synchronous: Synchronous) -> Engine:
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError) as error:  # whose words may be a part of the password
        raise StoreError(
            "--db is no URL of a database: write DIALECT+DRIVER://USER:PASSWORD@HOST/DATABASE, and "
            "in the password %40 for @, %2F for /"
        ) from error
    try:
        engine = create_engine(parsed, pool_size=10, max_overflow=40)
    except (SQLAlchemyError, ImportError) as error:
        raise StoreError(f"the database {_shown(parsed)} cannot be opened: {error}") from error

    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def configure(connection: Any, _record: object) -> None:
            connection.isolation_level = None  # transactions are begun below, never by the driver
            for pragma in (
                f"busy_timeout = {_BUSY_MS}",
                "journal_mode = WAL",
                f"synchronous = {synchronous}",
                "foreign_keys = ON",
            ):
                connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get(_WRITING, False)
        if engine.dialect.name == "sqlite":
            # Taking the lock at once: two readers that both want to write would deadlock.
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
        elif engine.dialect.name == "postgresql" and writing:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")

    return engine


def _check_version(session: Session) -> None:
    found = session.scalar(select(Version.number))
    if found is None:
        session.add(Version(number=SCHEMA_VERSION))
    elif 1 <= found <= SCHEMA_VERSION:
        for take_over in (_forget_boots, _add_device)[found - 1 :]:
            take_over(session)
        session.execute(update(Version).values(number=SCHEMA_VERSION))
    else:
        raise StoreError(
            f"the database has version {found}, this edgefacet reads {SCHEMA_VERSION}: "
            "use the edgefacet that wrote it"
        )


def _forget_boots(session: Session) -> None:
    """The next heartbeats tell them again."""
    boots = Base.metadata.tables[Boot.__tablename__]
    boots.drop(session.connection())
    boots.create(session.connection())


def _add_device(session: Session) -> None:
    """Tokens are of the devices that used them last."""
    session.execute(text("ALTER TABLE identities ADD COLUMN device VARCHAR"))
    for identity in session.scalars(select(Identity).where(Identity.heartbeat.is_not(None))):
        identity.device = json.loads(identity.heartbeat or "")["device"]


def _shown(url: URL) -> str:
    """Without the password, and the options, which may hold one."""
    return repr(url.set(query={}))


def _advice(engine: Engine, error: SQLAlchemyError) -> str:
    if engine.dialect.name != "sqlite":
        return "start the server, or correct --db"
    if isinstance(error, OperationalError):  # what is in the file was not even read
        return "make its folder one that may be written to, or correct --db or --state"
    return "put a backup in its place, or move it away to begin with an empty one"


def _reason(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error)
