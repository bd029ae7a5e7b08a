"""Whether all that boards made is with the hub, once: read from the disk when all have ended."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from edge.agent.spool import look
from edge.hub.hub import Hub
from edge.hub.tables import Job, JobFailure, StoredRecord
from edge.record import parse
from tests.soak.witness import Seen, read_witness, serial, witness_of


@dataclass(frozen=True)
class Arrived:
    """A record that the hub holds; `of` is the order and model that it answers, if one."""

    serial: str
    id: str
    of: tuple[int, str] | None = None


@dataclass(frozen=True)
class Account:
    """What came of the measurements. `lost`: in a spool or written by an application, but not with
    the hub, and not dropped by the cap of a spool. `duplicated`: measurements that the hub holds
    as two. `twice`: models of orders that were measured again after they were. `altered`: with the
    hub, but not as any board made it."""

    made: int
    arrived: int
    lost: int
    duplicated: int
    twice: int
    altered: int


def account(
    seen: Iterable[Seen], applications: Collection[str], arrived: Sequence[Arrived], dropped: int
) -> Account:
    """`applications` are the serials of what they left in inboxes, whose records are seen, too."""
    ids: dict[str, set[str]] = {}
    made = set(applications)
    for one in seen:
        ids.setdefault(one.serial, set()).update(one.ids)
        if one.step == "added":
            made.add(one.serial)
    times = Counter(one.serial for one in arrived)
    answers = Counter(one.of for one in arrived if one.of is not None)
    return Account(
        made=len(made | times.keys()),  # a kill may come between the spool and the witness
        arrived=len(times),
        lost=len(made - times.keys()) - dropped,
        duplicated=sum(n - 1 for n in times.values()),
        twice=sum(n - 1 for n in answers.values()),
        altered=sum(one.id not in ids.get(one.serial, ()) for one in arrived),
    )


@dataclass(frozen=True)
class Disks:
    """What lies on the disks of hub and boards in the end. `damaged` names databases."""

    account: Account
    orders: int
    unfinished: int
    waiting: int
    thinned: int
    dropped: int
    refused: int
    blocked: int  # models that were being measured when a board was killed, three times
    failed: int  # for any other reason
    damaged: tuple[str, ...]


def read_disks(hub: Hub, spools: Sequence[Path], applications: Collection[str]) -> Disks:
    """Nobody may be running any more."""
    standings = [look(spool)[0] for spool in spools]
    dropped = sum(standing.dropped for standing in standings)
    seen = (one for spool in spools for one in read_witness(witness_of(spool)))
    damaged = [str(spool) for spool in spools if not whole(spool)]
    with hub.store.reading() as session:
        states = session.scalars(select(Job.state)).all()
        kinds = Counter(session.scalars(select(JobFailure.kind)))
        rows = session.execute(
            select(StoredRecord.content, StoredRecord.job_id, StoredRecord.subject_id)
        )
        arrived = [_arrived(*row) for row in rows]
    return Disks(
        account=account(seen, applications, arrived, dropped),
        orders=len(states),
        unfinished=sum(state != "done" for state in states),
        waiting=sum(standing.waiting for standing in standings),
        thinned=sum(standing.thinned for standing in standings),
        dropped=dropped,
        refused=sum(standing.dead for standing in standings),
        blocked=kinds.pop("crash", 0),
        failed=kinds.total(),
        damaged=(*damaged, *hub.store.problems()),
    )


def whole(database: Path) -> bool:
    """Whether an SQLite file passes its integrity check, and was never set aside as damaged."""
    aside = database.with_name(f"{database.name}.damaged").exists()
    with closing(sqlite3.connect(database)) as connection:
        return not aside and connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def _arrived(content: str, job: int | None, subject: str) -> Arrived:
    record = parse(content)
    return Arrived(serial(record), record.id, None if job is None else (job, subject))
