"""Who a token belongs to: when a call begins, and again when something is written for it."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from edge.hub.errors import NotAllowed, NoToken
from edge.hub.tables import Identity

Kind = Literal["device", "operator"]

_TOKEN = re.compile(r"ef_[A-Za-z0-9_-]{43}")  # 256 bits


@dataclass(frozen=True)
class Caller:
    """Who a token belongs to."""

    id: int
    kind: Kind
    name: str
    revoked: bool
    token_sha256: str = field(repr=False)


def find(session: Session, token: str) -> Caller | None:
    """Who `token` belongs to; None where nobody was given it."""
    if not _TOKEN.fullmatch(token):
        return None
    wanted = hash_of(token)
    found = session.scalar(select(Identity).where(Identity.token_sha256 == wanted))
    # The index compares hashes, whose bits say nothing about a token; and once more, in a time
    # that does not depend on where they differ.
    if found is None or not hmac.compare_digest(found.token_sha256, wanted):
        return None
    kind: Kind = "operator" if found.kind == "operator" else "device"
    return Caller(found.id, kind, found.name, found.revoked_at is not None, wanted)


def holder(session: Session, caller: Caller) -> Identity:
    """The row of `caller`, for what is written in its name: its token may have been revoked or
    replaced while the body came in. Raises NotAllowed, NoToken."""
    identity = session.get_one(Identity, caller.id)
    if identity.revoked_at is not None:
        raise revoked(caller)
    if identity.token_sha256 != caller.token_sha256:
        raise nobodys("Bearer")
    return identity


def revoked(caller: Caller) -> NotAllowed:
    """What a token is answered that was revoked."""
    return NotAllowed(f"the token of {caller.name} was revoked")


def nobodys(scheme: str) -> NoToken:
    """What a token is answered that is not, or no longer, anybody's."""
    return NoToken("nobody was given this token", scheme)


def hash_of(token: str) -> str:
    """What is kept of a token: its sha256, 64 hex digits."""
    return hashlib.sha256(token.encode()).hexdigest()
