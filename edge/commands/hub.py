"""`facet hub`: collect what boards measure, and give them orders."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.commands.hub_order import order
from edge.commands.shared import Command, json_option, tell, with_options
from edge.errors import MissingExtra
from edge.text import fill, printable, table

if TYPE_CHECKING:
    from edge.hub.hub import Hub
    from edge.hub_api import DeviceStatus, OrderStatus


class _Hub(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            raise MissingExtra(
                f"the hub needs the package {error.name}: pip install 'edgefacet[hub]'"
            ) from error


@click.group("hub", cls=_Hub)
def hub() -> None:
    """Give orders to boards and collect what they measured.

    Boards run `facet agent` and only ever call the hub. Needs: pip install 'edgefacet[hub]'
    """


hub.add_command(order)


def _state_options(command: Command) -> Command:
    """Where the hub keeps what it has."""
    options = (
        click.option(
            "--state",
            type=click.Path(path_type=Path, file_okay=False),
            envvar="EDGEFACET_HUB_STATE",
            default=Path("hub"),
            show_default=True,
            show_envvar=True,
            help="Folder of the database and the model files.",
        ),
        click.option(
            "--db",
            "database",
            metavar="URL",
            help="Database, as SQLAlchemy reads it.  [default: SQLite, hub.db in the folder]",
        ),
    )
    return with_options(command, options)


@hub.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8321, show_default=True)
@click.option(
    "--cert",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Certificate for TLS, PEM.",
)
@click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Its private key, PEM.",
)
@click.option("--insecure", is_flag=True, help="Plain HTTP also at public addresses.")
@_state_options
@click.option(
    "--models",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the model files.  [default: models in the folder]",
)
@click.option(
    "--synchronous",
    type=click.Choice(["FULL", "EXTRA", "NORMAL"]),
    default="FULL",
    show_default=True,
    help="SQLite's own; with NORMAL a power cut may lose what was acknowledged.",
)
@click.option(
    "--poll-s",
    type=click.FloatRange(0.1, 3600),
    default=10.0,
    show_default=True,
    help="Seconds between two heartbeats of a device.",
)
@click.option("--open-page", is_flag=True, help="Show the page at / without a token.")
@click.option(
    "--calibration",
    "calibrations",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    multiple=True,
    help="results/calibrate/calibration.json, to compare records with; may be repeated.",
)
def serve(**options: Any) -> None:
    """Run the hub until it is interrupted.

    Plain HTTP is for loopback and private networks: elsewhere give --cert and --key.
    """
    from edge.hub.serve import Listening, serve
    from edge.hub.settings import Settings

    where = {name: options.pop(name) for name in ("host", "port", "cert", "key", "insecure")}
    settings = Settings(**options)
    is_new = not settings.exists

    def ready(url: str) -> None:
        click.echo(f"Hub at {url}")
        _tell_new(settings.state, is_new)

    serve(settings, Listening(**where), ready)


@hub.command("add-device")
@click.argument("name")
@click.option("--rotate", is_flag=True, help="Replace the token of a device that is known.")
@_state_options
@json_option
def add_device(name: str, rotate: bool, as_json: bool, **where: Any) -> None:
    """Make the token of a board. It is shown once and kept nowhere."""
    _add("device", name, rotate, as_json, where)


@hub.command("add-operator")
@click.argument("name")
@click.option("--rotate", is_flag=True, help="Replace the token of an operator that is known.")
@_state_options
@json_option
def add_operator(name: str, rotate: bool, as_json: bool, **where: Any) -> None:
    """Make the token of a pipeline or a person. It is shown once and kept nowhere."""
    _add("operator", name, rotate, as_json, where)


@hub.command("revoke")
@click.argument("name")
@click.option(
    "--exclude-records", is_flag=True, help="Leave out all that the device has sent so far."
)
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
    help="With --exclude-records: only what arrived since then (UTC, by the hub's clock).",
)
@_state_options
@json_option
def revoke(
    name: str, exclude_records: bool, since: datetime | None, as_json: bool, **where: Any
) -> None:
    """Let a token open nothing any more."""
    from edge.hub import tokens

    if since is not None and not exclude_records:
        raise click.UsageError("--since says which records --exclude-records leaves out: give both")
    since = since and since.replace(tzinfo=timezone.utc)
    with _opened(where) as opened:
        excluded = tokens.revoke(opened, name, exclude_records, since)
    content = {"name": name, "excluded_records": excluded}
    more = f"; {excluded} of its records are left out from now on" if exclude_records else ""
    tell(as_json, content, lambda: f"Revoked: {name}{more}.")


@hub.command("devices")
@_state_options
@json_option
def devices(as_json: bool, **where: Any) -> None:
    """List the devices and how they are, and who else has a token."""
    from edge.hub import fleet

    with _opened(where) as opened:
        found, operators = fleet.devices(opened), fleet.operators(opened)
    others = [{"name": name, "revoked": revoked} for name, revoked in operators.items()]
    content = {**found.model_dump(mode="json"), "operators": others}
    tell(as_json, content, lambda: _devices_text(found.devices, operators))


@hub.command("jobs")
@_state_options
@json_option
def jobs(as_json: bool, **where: Any) -> None:
    """List the orders and how far the devices are with them, the newest first."""
    from edge.hub import jobs

    with _opened(where) as opened:
        found = jobs.statuses(opened)
    rows = [{"purpose": purpose, **status.model_dump(mode="json")} for purpose, status in found]
    tell(as_json, {"jobs": rows}, lambda: _jobs_text(found))


def _opened(where: dict[str, Any], make: bool = False) -> Any:
    """The hub of a folder, as a context manager; where there is none it is made, if it may be."""
    from contextlib import closing

    from edge.hub.hub import open_hub
    from edge.hub.settings import Settings

    settings = Settings(**where)
    is_new = not settings.exists
    opened: Hub = open_hub(settings, make=make)
    _tell_new(settings.state, is_new)
    return closing(opened)


def _tell_new(state: Path, is_new: bool) -> None:
    """Or a token would be of a hub that nobody knows of, beside the one that runs."""
    if is_new:
        click.echo(f"A new hub was made in {state.absolute()}", err=True)


def _add(kind: Any, name: str, rotate: bool, as_json: bool, where: dict[str, Any]) -> None:
    from edge.hub import tokens

    with _opened(where, make=not rotate) as opened:
        token = tokens.add(opened, kind, name, rotate)
    click.echo("Shown only now, and kept nowhere:", err=True)
    tell(as_json, {"name": name, "kind": kind, "token": token}, lambda: token)


def _devices_text(found: tuple[DeviceStatus, ...], operators: Mapping[str, bool]) -> str:
    names = [f"{name} (revoked)" if revoked else name for name, revoked in operators.items()]
    others = [fill(f"Operators: {', '.join(names)}")] if names else []
    if not found:
        none = "No devices yet: facet hub add-device NAME makes a token for one."
        return "\n\n".join([none, *others])
    head = ["device", "state", "last seen", "°C", "open\norders", "records", "unsent"]
    rows = []
    for device in found:
        beat = device.heartbeat
        warm = "-" if beat is None or beat.temperature_c is None else f"{beat.temperature_c:.0f}"
        numbers = [str(device.open_orders), str(device.records), str(beat.spooled if beat else "-")]
        rows.append([device.name, device.state, device.last_seen or "never", warm, *numbers])
    remarks = [printable(device.quarantined) for device in found if device.quarantined]
    return "\n\n".join([table(head, rows, names=3), *remarks, *others])


def _jobs_text(found: list[tuple[str, OrderStatus]]) -> str:
    if not found:
        return "No orders yet."
    head = ["order", "for", "device", "state", "measured", "of", "failed"]
    rows = [
        [
            *(order.id[:12], purpose, order.device, order.state),
            *(str(order.measured), str(order.models), str(len(order.failures))),
        ]
        for purpose, order in found
    ]
    return table(head, rows, names=4)
