"""Which model files are here, and who may have them."""

from __future__ import annotations

from pathlib import Path

from edge.hub import callers, jobs
from edge.hub.callers import Caller
from edge.hub.errors import Unknown, Withdrawn
from edge.hub.hub import Hub
from edge.hub.tables import ModelFile


def find(hub: Hub, caller: Caller, sha256: str) -> Path:
    """The file. Raises Unknown, or Withdrawn where it was taken out of the folder."""
    with hub.store.reading() as session:
        known = session.get(ModelFile, sha256)
        allowed = caller.kind == "operator" or jobs.may_fetch(session, caller.id, sha256)
        if known is None or not allowed:
            raise Unknown(f"there is no model {sha256} for {caller.name}")
        size_bytes = known.size_bytes
    if not hub.models.holds(sha256, size_bytes):
        raise Withdrawn(f"the model {sha256} was withdrawn: PUT it to have it again")
    return hub.models.path(sha256)


def register(hub: Hub, caller: Caller, sha256: str, size_bytes: int) -> None:
    """Note that the file is here. Raises NotAllowed, NoToken."""
    with hub.store.writing() as session:
        callers.holder(session, caller)
        session.merge(ModelFile(sha256=sha256, size_bytes=size_bytes))
