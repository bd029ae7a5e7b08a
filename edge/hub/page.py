"""The page at `/`: devices, orders and the health of every table, to read in a browser.

One document, no script, nothing from elsewhere; what came over the wire is escaped.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse
from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from edge import __version__
from edge.hub import fleet, jobs
from edge.hub.auth import TheHub, onlooker
from edge.hub.health import healths, read_calibrations
from edge.hub.hub import Hub
from edge.hub.scatter import scatter

router = APIRouter(tags=["onlooker"])

_MOST_ORDERS = 50
_MOST_NETWORKS = 100
_SHOWN_AS_PROBLEM = ("revoked", "quarantined", "away", "full")


@router.get("/", response_class=HTMLResponse)
def show(hub: TheHub, _allowed: Annotated[None, Depends(onlooker)]) -> HTMLResponse:
    """The hub at a glance, for a browser."""
    return HTMLResponse(render(hub), headers=_headers())


def render(hub: Hub) -> str:
    """The page as HTML."""
    calibrations, unread = read_calibrations(hub.settings.calibrations)
    return str(
        _template().render(
            style=Markup(_style()),
            version=__version__,
            now=hub.now(),
            devices=fleet.devices(hub).devices,
            orders=jobs.statuses(hub, _MOST_ORDERS),
            more_orders=max(0, jobs.total(hub) - _MOST_ORDERS),
            healths=healths(hub, calibrations),
            unread=unread,
            most_networks=_MOST_NETWORKS,
            problems=_SHOWN_AS_PROBLEM,
            ago=lambda moment: ago(moment, hub.clock()),
            scatter=scatter,
        )
    )


def ago(moment: str | None, now: datetime) -> str:
    """How long before `now`, in its largest unit."""
    if moment is None:
        return "never"
    passed_s = max(0.0, (now - datetime.fromisoformat(moment)).total_seconds())
    for unit, unit_s in (("days", 86_400), ("h", 3600), ("min", 60)):
        if passed_s >= 2 * unit_s:
            return f"{passed_s / unit_s:.0f} {unit} ago"
    return f"{passed_s:.0f} s ago"


@cache
def _template() -> Any:
    text = files("edge.hub").joinpath("page.html.j2").read_text(encoding="utf-8")
    environment = Environment(
        loader=DictLoader({"page": text}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page")


@cache
def _style() -> str:
    return files("edge.hub").joinpath("page.css").read_text(encoding="utf-8")


@cache
def _headers() -> dict[str, str]:
    """A browser obeys nothing on the page but this one style sheet."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'"
        ),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
