"""Who calls: the token in the header, as dependencies of the routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import (
    HTTPAuthorizationCredentials,
    HTTPBasic,
    HTTPBasicCredentials,
    HTTPBearer,
)

from edge.hub import callers
from edge.hub.callers import Caller, Kind
from edge.hub.errors import NotAllowed, NoToken, TooOften
from edge.hub.hub import Hub

_A: Mapping[Kind, str] = {"device": "a device", "operator": "an operator"}
_bearer = HTTPBearer(auto_error=False, description="made by facet hub add-device or add-operator")
_basic = HTTPBasic(auto_error=False, description="any user, and an operator's token as password")

Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
Basic = Annotated[HTTPBasicCredentials | None, Depends(_basic)]


def hub_of(request: Request) -> Hub:
    """The hub that this application serves."""
    hub: Hub = request.app.state.hub
    return hub


TheHub = Annotated[Hub, Depends(hub_of)]


def anyone(hub: TheHub, bearer: Bearer) -> Caller:
    """A device or an operator. Raises NoToken, NotAllowed, TooOften."""
    caller = _caller(hub, bearer.credentials if bearer else None, "Bearer")
    wait_s = hub.limiter.wait_s(caller.id) if caller.kind == "device" else 0.0
    if wait_s:
        raise TooOften("called too often: wait as long as Retry-After says", wait_s)
    return caller


def device(caller: Annotated[Caller, Depends(anyone)]) -> Caller:
    """Raises NotAllowed for an operator."""
    return _of_kind(caller, "device")


def operator(caller: Annotated[Caller, Depends(anyone)]) -> Caller:
    """Raises NotAllowed for a device."""
    return _of_kind(caller, "operator")


def onlooker(hub: TheHub, basic: Basic) -> None:
    """Whoever may see the page: all, where it is open, or a browser with an operator's token."""
    if not hub.settings.open_page:
        scheme = 'Basic realm="EdgeFacet hub: an operator token as password", charset="UTF-8"'
        _of_kind(_caller(hub, basic.password if basic else None, scheme), "operator")


AnyCaller = Annotated[Caller, Depends(anyone)]
DeviceCaller = Annotated[Caller, Depends(device)]
OperatorCaller = Annotated[Caller, Depends(operator)]


def _caller(hub: Hub, token: str | None, scheme: str) -> Caller:
    if token is None:
        raise NoToken("this needs a token: facet hub add-device or add-operator makes one", scheme)
    with hub.store.reading() as session:
        caller = callers.find(session, token)
    if caller is None:
        raise callers.nobodys(scheme)
    if caller.revoked:
        raise callers.revoked(caller)
    return caller


def _of_kind(caller: Caller, kind: Kind) -> Caller:
    if caller.kind != kind:
        raise NotAllowed(f"{caller.name} is {_A[caller.kind]}: this is for {_A[kind]}'s token")
    return caller
