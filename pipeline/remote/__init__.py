"""Targets on other boards: `targets[].device` names one, and a hub or a stick reaches it."""

from __future__ import annotations

from pipeline.remote.boards import BOARDS, Begun, Boards
from pipeline.remote.errors import LOCAL, RemoteError, require_local
from pipeline.remote.session import Session

__all__ = ["BOARDS", "LOCAL", "Begun", "Boards", "RemoteError", "Session", "require_local"]
