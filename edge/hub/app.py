"""The application: everything that the hub answers to."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.requests import ClientDisconnect
from starlette.types import ExceptionHandler

from edge import __version__
from edge.hub import page, routes
from edge.hub.bodies import with_schemas
from edge.hub.errors import HubError
from edge.hub.hub import Hub
from edge.hub_api import Problem

_DESCRIPTION = (
    "Gives orders to boards and collects what they measured. Every route under /v1 needs a "
    "token: that of a device or that of an operator."
)
_RETRY_AFTER_S = 30  # of a disk that is full or a database that is busy


def create_app(hub: Hub) -> FastAPI:
    """An ASGI application that serves `hub`, which stays the caller's to close."""
    app = _WithSchemas(
        title="EdgeFacet hub",
        version=__version__,
        description=_DESCRIPTION,
        # Their pages load scripts from elsewhere; and nothing is told to strangers.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.hub = hub
    app.include_router(routes.devices)
    app.include_router(routes.operators)
    app.include_router(page.router)
    app.add_api_route("/healthz", _alive, tags=["anyone"], responses={503: {"model": Problem}})
    handlers: dict[type[Exception], ExceptionHandler] = {
        HubError: _refuse,
        RequestValidationError: _malformed,
        DataError: _not_taken,
        OperationalError: _busy,
        PoolTimeout: _busy,
        OSError: _busy,
        ClientDisconnect: _gone,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
    return app


class _WithSchemas(FastAPI):
    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = with_schemas(super().openapi(), routes.REQUESTS)
        return self.openapi_schema


def _alive(request: Request) -> dict[str, str]:
    """Whether the hub answers, and its database too."""
    hub: Hub = request.app.state.hub
    with hub.store.reading() as session:
        session.connection()
    return {"status": "ok"}


def _problem(status: int, problem: Problem, headers: dict[str, str] | None = None) -> Response:
    return Response(problem.to_json(), status, headers, "application/json")


def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HubError)
    problem = Problem(detail=str(error), missing=tuple(error.missing))
    return _problem(error.status, problem, dict(error.headers))


def _malformed(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return _problem(422, Problem(detail=f"{where}: {first['msg']}"))


def _not_taken(_request: Request, error: Exception) -> Response:
    """What no database of this kind holds, such as a NUL in PostgreSQL: it is no use to come back
    with it."""
    assert isinstance(error, DataError)
    return _problem(422, Problem(detail=f"the database does not take it: {error.orig}"))


def _busy(_request: Request, error: Exception) -> Response:
    """Nothing was acknowledged: the caller still has it, and comes back."""
    reason = getattr(error, "orig", None) or error
    problem = Problem(detail=f"cannot be written or read now, try again later: {reason}")
    return _problem(503, problem, {"Retry-After": str(_RETRY_AFTER_S)})


def _gone(_request: Request, _error: Exception) -> Response:
    return _problem(400, Problem(detail="the body ended too early"))
