"""What hub, agent and pipeline say to each other over HTTP: closed models, nothing else is read.

A device heartbeats, fetches its open orders and their model files, and reports; an operator
brings model files and orders and fetches the records. `edge.hub` serves it, and its OpenAPI
document describes it; docs/hub.md tells how to set one up.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from edge.orders import FailedModel, Name, Order, Sha256
from edge.record import MAX_RECORD_BYTES, TEMPERATURES_C, Measurement, Target

MAX_REPORT_BYTES = 2 * MAX_RECORD_BYTES  # of its JSON; agents send one record, or a MiB of them
MAX_RECORDS = 2000  # of one report
MAX_HEARTBEAT_BYTES = 64 << 10
MAX_OPEN_ORDERS = 8  # told to a device at a time
IDEMPOTENCY_HEADER = "Idempotency-Key"

BootId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
DeviceWork = Literal["idle", "measuring", "cooling", "full"]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def to_json(self) -> str:
        """One line of JSON, keys sorted: the same content is the same text."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


def without_nul(text: str) -> str:
    """A worker that crashed may say NUL, which PostgreSQL does not hold."""
    return text.replace("\0", "\ufffd")


class Heartbeat(_Wire):
    """How a device is. `full`: its disk or spool takes no more work."""

    agent_version: Annotated[str, Field(max_length=64)]
    boot_id: BootId
    uptime_s: Annotated[float, Field(ge=0)]
    wall_time: Annotated[str, Field(max_length=64)]  # ISO 8601, UTC, by the device's clock
    clock_synchronised: bool | None = None
    # What `facet info` calls the device.
    device: Annotated[str, Field(max_length=300), AfterValidator(without_nul)]
    targets: Annotated[tuple[Target, ...], Field(max_length=32)] = ()
    temperature_c: Annotated[float, Field(ge=TEMPERATURES_C[0], le=TEMPERATURES_C[1])] | None = None
    throttled: bool | None = None
    state: DeviceWork
    spooled: Annotated[int, Field(ge=0, lt=2**53)]  # reports that wait to be sent
    spool_bytes: Annotated[int, Field(ge=0, lt=2**53)]


class HeartbeatAnswer(_Wire):
    """When to call again, and why the device is given no work, if so."""

    poll_s: Annotated[float, Field(gt=0)]
    quarantined: str | None = None


class OpenOrders(_Wire):
    """The open orders of the device that asks, oldest first."""

    orders: Annotated[tuple[Order, ...], Field(max_length=MAX_OPEN_ORDERS)]


class Report(_Wire):
    """What a device measured. An order may take several; `order: null` is for inference times
    that applications on the device took themselves. `boot_id` is that of the measuring."""

    order: Sha256 | None = None
    boot_id: BootId | None = None
    records: Annotated[tuple[Measurement, ...], Field(max_length=MAX_RECORDS)] = ()
    failures: Annotated[tuple[FailedModel, ...], Field(max_length=MAX_RECORDS)] = ()

    @property
    def id(self) -> str:
        """sha256 of `to_json`, 64 hex digits: a repeat is known by it."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


class ReportAnswer(_Wire):
    """The report is on the hub's disk: it may be forgotten. `refused` says which of its records
    and failures were left out, and why."""

    id: Sha256
    new: int
    known: int
    refused: tuple[str, ...] = ()


class OrderRequest(_Wire):
    """An order, and the name of the device that shall carry it out."""

    device: Name
    order: Order


class OrderStatus(_Wire):
    """How far a device is with an order; `models` is how many there are to measure.

    `device_state` is one of those of `DeviceStatus`.
    """

    id: Sha256
    device: Name
    state: Literal["open", "done", "cancelled"]
    models: int
    measured: int
    failures: tuple[FailedModel, ...] = ()
    device_state: str
    last_seen: str | None = None  # ISO 8601, UTC, by the hub's clock


class Records(_Wire):
    """Records in the order of their arrival. `next` is the `after` that goes on behind them; null
    where there were none, and nothing more to fetch for now."""

    records: tuple[Measurement, ...]
    next: int | None = None


class Excluded(_Wire):
    """Ids of records that are in no answer: the device was revoked with them, or in quarantine.
    `next` as in `Records`."""

    ids: tuple[Sha256, ...]
    next: int | None = None


class DeviceStatus(_Wire):
    """A device as the hub knows it.

    `state`: revoked, quarantined, never seen, away, or what its last heartbeat said (idle,
    measuring, cooling, full).
    """

    name: Name
    state: str
    last_seen: str | None = None  # ISO 8601, UTC, by the hub's clock
    quarantined: str | None = None
    open_orders: int = 0
    records: int = 0
    heartbeat: Heartbeat | None = None


class Devices(_Wire):
    """All devices, by name."""

    devices: tuple[DeviceStatus, ...]


class Problem(_Wire):
    """The body of every answer that is no success: what is wrong, and what to do.

    `missing`: the model files that an order names and the hub does not have (409).
    """

    detail: str
    missing: tuple[Sha256, ...] = ()
