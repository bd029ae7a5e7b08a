"""What the hub answers instead of doing it, each with its HTTP status."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

from edge.errors import EdgeError


class HubError(EdgeError):
    """Base of all of them; `headers` go with the answer, `missing` into its body."""

    status: ClassVar[int] = 500
    headers: Mapping[str, str] = {}
    missing: Sequence[str] = ()


class NoToken(HubError, PermissionError):
    """No token, or one that nobody was given."""

    status = 401

    def __init__(self, message: str, scheme: str) -> None:
        super().__init__(message)
        self.headers = {"WWW-Authenticate": scheme}


class NotAllowed(HubError, PermissionError):
    """A token that was revoked, or one of the other kind."""

    status = 403


class Unknown(HubError, KeyError):
    """A name or an id of nothing that is here."""

    status = 404


class SlowBody(HubError, TimeoutError):
    """A body that stopped coming, or hardly comes."""

    status = 408


class Conflict(HubError, ValueError):
    """An order that cannot be taken yet; `missing` are model files to bring first."""

    status = 409

    def __init__(self, message: str, missing: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.missing = missing


class Withdrawn(HubError, FileNotFoundError):
    """A model file that was here once."""

    status = 410


class TooLarge(HubError, ValueError):
    """A body over its limit."""

    status = 413


class Malformed(HubError, ValueError):
    """A body that is not what it should be."""

    status = 422


class TooOften(HubError, RuntimeError):
    """A device that calls again and again."""

    status = 429

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.headers = {"Retry-After": str(max(1, math.ceil(retry_after_s)))}
