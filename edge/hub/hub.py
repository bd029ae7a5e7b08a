"""What every answer of the hub needs: its database, its files, its clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

from anyio import CapacityLimiter

from edge.errors import EdgeError
from edge.hub.limiter import Limiter, Turns
from edge.hub.model_store import ModelStore
from edge.hub.settings import Settings
from edge.hub.store import Store

Clock = Callable[[], datetime]


class NoHub(EdgeError, FileNotFoundError):
    """A folder that no hub keeps anything in."""


def utc_now() -> datetime:
    return datetime.now(timezone.utc)


def iso(moment: datetime) -> str:
    """ISO 8601, UTC, to the second: later is greater, as a text too."""
    return moment.astimezone(timezone.utc).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Hub:
    """Made by `open_hub`; `close` it."""

    settings: Settings
    store: Store
    models: ModelStore
    limiter: Limiter
    report_turns: Turns  # of devices that send one
    report_threads: CapacityLimiter  # in which they are parsed and kept
    clock: Clock = utc_now

    def now(self) -> str:
        """ISO 8601, UTC."""
        return iso(self.clock())

    def close(self) -> None:
        self.store.close()


def open_hub(
    settings: Settings,
    clock: Clock = utc_now,
    monotonic_s: Callable[[], float] = time.monotonic,
    *,
    make: bool = True,
) -> Hub:
    """The hub that `settings` describe. Where it is missing it is made with `make`.
    Raises NoHub, StoreError, OSError."""
    if make:
        settings.prepare()
    elif not settings.exists:
        raise NoHub(
            f"there is no hub in {settings.state.absolute()}: name its folder by --state or "
            "EDGEFACET_HUB_STATE"
        )
    limits = settings.limits
    return Hub(
        settings,
        Store(settings.database_url, settings.synchronous),
        ModelStore(settings.models_folder),
        Limiter(limits.calls_per_s, limits.calls_at_once, monotonic_s),
        Turns(limits.reports_of_a_device),
        CapacityLimiter(limits.reports_at_once),
        clock,
    )
