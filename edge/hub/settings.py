"""How a hub is set up."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from edge.hub.store import Synchronous, sqlite_url
from edge.hub_api import MAX_HEARTBEAT_BYTES, MAX_REPORT_BYTES
from edge.orders import MAX_MODEL_BYTES, MAX_ORDER_BYTES

_DATABASE = "hub.db"


@dataclass(frozen=True)
class Limits:
    """What callers may send: bytes of a body, how slowly it may come, and calls of a device."""

    heartbeat_bytes: int = MAX_HEARTBEAT_BYTES
    report_bytes: int = MAX_REPORT_BYTES
    order_bytes: int = MAX_ORDER_BYTES + 1024  # the name of the device beside it
    model_bytes: int = MAX_MODEL_BYTES
    pause_s: float = 30.0  # that nothing of a body comes for
    slowest_bytes_per_s: float = 1024.0  # of a whole body, beyond one pause
    calls_per_s: float = 20.0
    calls_at_once: int = 200  # an order may have thousands of files to fetch
    reports_of_a_device: int = 2  # under way: one may be what an outage left, and its repeat
    reports_at_once: int = 1  # taken in; each takes memory, and more would be no faster


@dataclass(frozen=True)
class Settings:
    """`state` is the folder of database and model files, unless they are put elsewhere."""

    state: Path
    database: str | None = None  # a URL, as SQLAlchemy reads it
    models: Path | None = None
    synchronous: Synchronous = "FULL"
    poll_s: float = 10.0  # what devices are told to wait between two heartbeats
    away_after_s: float = 120.0
    open_page: bool = False  # the page at / needs no token
    calibrations: tuple[Path, ...] = ()  # to compare records with
    limits: Limits = field(default_factory=Limits)

    @property
    def database_url(self) -> str:
        return self.database or sqlite_url(self.state / _DATABASE)

    @property
    def exists(self) -> bool:
        """Whether there is a hub already; a database elsewhere is taken for one."""
        return self.database is not None or (self.state / _DATABASE).exists()

    @property
    def models_folder(self) -> Path:
        return self.models or self.state / "models"

    def prepare(self) -> None:
        """Make the folder of the state, for its owner alone. Raises OSError."""
        os.makedirs(self.state, mode=0o700, exist_ok=True)  # noqa: PTH103 - Path.mkdir ignores mode
