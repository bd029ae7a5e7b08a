"""The routes: for devices, for operators, and for both."""

from __future__ import annotations

from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse
from pydantic import BaseModel

from edge.hub import fleet, jobs, models, reports
from edge.hub.auth import AnyCaller, DeviceCaller, OperatorCaller, TheHub, operator
from edge.hub.bodies import chunks, described, parsed, whole
from edge.hub.reports import Page
from edge.hub_api import (
    IDEMPOTENCY_HEADER,
    Devices,
    Excluded,
    Heartbeat,
    HeartbeatAnswer,
    OpenOrders,
    OrderRequest,
    OrderStatus,
    Problem,
    Records,
    Report,
    ReportAnswer,
)
from edge.orders import Name, Sha256

REQUESTS: list[type[BaseModel]] = [Heartbeat, OrderRequest, Report]

_MAX_NUMBER = 2**63 - 1  # of a database's integer
_PER_PAGE = 500
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_RAW = {"application/octet-stream": _BINARY}


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Problem} for status in (401, 403, *statuses)}


devices = APIRouter(prefix="/v1", tags=["device"], responses=_problems(429))
operators = APIRouter(
    prefix="/v1",
    tags=["operator"],
    dependencies=[Depends(operator)],
    responses=_problems(),
)

Sha256Path = Annotated[Sha256, Path()]
DeviceQuery = Annotated[Name, Query()]


@devices.post("/heartbeat", responses=_problems(408, 413, 422), openapi_extra=described(Heartbeat))
async def heartbeat(request: Request, hub: TheHub, caller: DeviceCaller) -> HeartbeatAnswer:
    """Tell how the device is."""
    limits = hub.settings.limits
    beat = parsed(Heartbeat, await whole(request, limits.heartbeat_bytes, limits))
    return await run_in_threadpool(fleet.heartbeat, hub, caller, beat)


@devices.get("/orders", response_model=OpenOrders)
def open_orders(hub: TheHub, caller: DeviceCaller) -> Response:
    """The open orders of the device, oldest first."""
    return _json(jobs.open_orders(hub, caller.id))


@devices.post("/reports", responses=_problems(408, 413, 422), openapi_extra=described(Report))
async def report(
    request: Request,
    hub: TheHub,
    caller: DeviceCaller,
    key: Annotated[str, Header(alias=IDEMPOTENCY_HEADER)],
) -> ReportAnswer:
    """Bring what was measured. It may be sent again at any time."""
    limits = hub.settings.limits
    with hub.report_turns.taken(caller.id):
        body = await whole(request, limits.report_bytes, limits)
        return await to_thread.run_sync(
            reports.accept, hub, caller, body, key, limiter=hub.report_threads
        )


@devices.get(
    "/models/{sha256}",
    response_class=FileResponse,
    responses={
        **_problems(404, 410),
        200: {"content": _RAW},
        206: {"content": _RAW, "description": "A part, as the header Range asked for"},
    },
)
def model(hub: TheHub, caller: AnyCaller, sha256: Sha256Path) -> FileResponse:
    """A model file, in whole or in parts; a device gets those that its orders name."""
    path = models.find(hub, caller, sha256)
    # The content decides what it is called: a half download may always be completed.
    headers = {"ETag": f'"{sha256}"', "Cache-Control": "private, immutable"}
    return FileResponse(path, media_type="application/octet-stream", headers=headers)


@operators.put(
    "/models/{sha256}",
    status_code=204,
    responses=_problems(408, 413, 422),
    openapi_extra={"requestBody": {"required": True, "content": _RAW}},
)
async def put_model(
    request: Request, hub: TheHub, caller: OperatorCaller, sha256: Sha256Path
) -> Response:
    """Bring a model file; bringing it again changes nothing."""
    limits = hub.settings.limits
    body = chunks(request, limits.model_bytes, limits)
    size_bytes = await hub.models.receive(sha256, body, limits.model_bytes)
    await run_in_threadpool(models.register, hub, caller, sha256, size_bytes)
    return Response(status_code=204)


@operators.post(
    "/orders", responses=_problems(404, 408, 409, 413, 422), openapi_extra=described(OrderRequest)
)
async def submit(request: Request, hub: TheHub, caller: OperatorCaller) -> OrderStatus:
    """Order something of a device; the same order again is the same job. One that was cancelled is
    open again, also for what failed."""
    limits = hub.settings.limits
    body = await whole(request, limits.order_bytes, limits)
    return await run_in_threadpool(lambda: jobs.submit(hub, caller, parsed(OrderRequest, body)))


@operators.get("/orders/{id}", responses=_problems(404))
def order_status(hub: TheHub, id: Sha256Path, device: DeviceQuery) -> OrderStatus:
    """How far a device is with an order."""
    return jobs.status(hub, device, id)


@operators.delete("/orders/{id}", responses=_problems(404))
def cancel(hub: TheHub, id: Sha256Path, device: DeviceQuery) -> OrderStatus:
    """Cancel an order, also one that is done but for failures; what is measured already stays."""
    return jobs.cancel(hub, device, id)


@operators.get("/records", response_model=Records, responses=_problems(404))
def records(
    hub: TheHub,
    order: Annotated[Sha256 | None, Query()] = None,
    device: Annotated[Name | None, Query()] = None,
    after: Annotated[int, Query(ge=0, le=_MAX_NUMBER)] = 0,
    limit: Annotated[int, Query(ge=1, le=2000)] = _PER_PAGE,
) -> Response:
    """Records in the order of their arrival, of one order or device or of all."""
    return _json(reports.records_after(hub, Page(after, limit, device, order)))


@operators.get("/excluded")
def excluded(
    hub: TheHub,
    after: Annotated[int, Query(ge=0, le=_MAX_NUMBER)] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
) -> Excluded:
    """Which records are in no answer any more: whoever has them should drop them."""
    return reports.excluded_after(hub, after, limit)


@operators.get("/devices")
def list_devices(hub: TheHub) -> Devices:
    """All devices, and how they are."""
    return fleet.devices(hub)


@operators.get("/openapi.json", include_in_schema=False)
def openapi(request: Request) -> dict[str, Any]:
    """What this hub answers to."""
    document: dict[str, Any] = request.app.openapi()
    return document


def _json(text: str) -> Response:
    """Records and orders are JSON already: nothing of them is read to be written again."""
    return Response(text, media_type="application/json")
