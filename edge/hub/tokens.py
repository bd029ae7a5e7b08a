"""Tokens: made, shown once, kept as hashes, replaced, revoked."""

from __future__ import annotations

import secrets
from datetime import datetime

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from edge.errors import EdgeError
from edge.hub.callers import Kind, hash_of
from edge.hub.hub import Hub, iso
from edge.hub.progress import refresh_all
from edge.hub.tables import Boot, Identity, StoredRecord, StoredReport
from edge.orders import NAME_RULE, Name

_PREFIX = "ef_"  # a token begins with a letter: it can be the value of an option


class NameTaken(EdgeError, ValueError):
    """Somebody has a token under that name."""


class NoSuchName(EdgeError, KeyError):
    """Nobody has a token under that name."""


class BadName(EdgeError, ValueError):
    """A name that cannot be told from an option, a path or a sentence."""


def add(hub: Hub, kind: Kind, name: str, rotate: bool = False) -> str:
    """A new token for `name`, which is kept as its sha256: nobody can be shown it again.

    With `rotate` it replaces that of an existing name, which ends a quarantine and a revocation,
    and may be of another device.
    Raises BadName, NameTaken or, to rotate, NoSuchName.
    """
    _check(name)
    token = _PREFIX + secrets.token_urlsafe(32)
    with hub.store.writing() as session:
        found = session.scalar(select(Identity).where(Identity.name == name))
        if rotate:
            _rotate(session, _named(found, name, kind), token)
        elif found is not None:
            raise NameTaken(
                f"there is a token for the {found.kind} {name!r} already: choose another name, or "
                f"replace the token with facet hub add-{found.kind} {name} --rotate"
            )
        else:
            session.add(
                Identity(kind=kind, name=name, token_sha256=hash_of(token), created_at=hub.now())
            )
    return token


def revoke(
    hub: Hub, name: str, exclude_records: bool = False, since: datetime | None = None
) -> int:
    """Let the token of `name` open nothing any more; how many records that excludes.

    With `exclude_records` what the device sent, ever or `since` then by the hub's clock, is left
    out of every answer from now on. Raises NoSuchName.
    """
    with hub.store.writing() as session:
        identity = _named(session.scalar(select(Identity).where(Identity.name == name)), name)
        identity.revoked_at = identity.revoked_at or hub.now()
        if not exclude_records:
            return 0
        arrived = select(StoredReport.id).where(StoredReport.identity_id == identity.id)
        if since is not None:
            arrived = arrived.where(StoredReport.arrived_at >= iso(since))
        excluded = session.execute(
            update(StoredRecord)
            .where(StoredRecord.report_id.in_(arrived), StoredRecord.excluded.is_(None))
            .values(excluded="revoked")
        )
        refresh_all(session, identity.id)
        return int(getattr(excluded, "rowcount", 0))


def _rotate(session: Session, identity: Identity, token: str) -> None:
    identity.token_sha256 = hash_of(token)
    identity.revoked_at = identity.quarantined = identity.device = None
    session.execute(delete(Boot).where(Boot.identity_id == identity.id))


def _named(found: Identity | None, name: str, kind: Kind | None = None) -> Identity:
    if found is None or (kind is not None and found.kind != kind):
        raise NoSuchName(f"there is no {kind or 'token'} {name!r}: facet hub devices lists them")
    return found


def _check(name: str) -> None:
    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError as error:
        raise BadName(f"{name!r} is no name: {NAME_RULE}") from error
