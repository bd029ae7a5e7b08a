"""What can go wrong with a board that is elsewhere, and the one that is not."""

from __future__ import annotations

from edge.errors import EdgeError
from pipeline.sections.target import TargetParams

LOCAL = "local"  # the device that needs neither hub nor stick


class RemoteError(EdgeError, RuntimeError):
    """A board that cannot be reached or described, or what came back from it cannot be used."""


def require_local(params: TargetParams, what: str) -> None:
    """Raises RemoteError where `what`, which measures here, would measure for another board."""
    if params.device != LOCAL:
        raise RemoteError(
            f"targets[0].device: {what} measures on this machine, and the first target is "
            f"{params.device}: make a family for `device: local`, or run it on the board"
        )
