"""`facet agent`: measure for a hub, and say how that goes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.commands.agent_text import status_text
from edge.commands.shared import EXIT_ERROR, EXIT_PARTLY, fail, json_option, positive, tell
from edge.errors import MissingExtra

if TYPE_CHECKING:
    from types import FrameType

_STATE = Path("~/.local/state/edgefacet")
_EXIT_TAKEN = 75  # EX_TEMPFAIL of sysexits.h
_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)

_state_option = click.option(
    "--state",
    "folder",
    type=_FOLDER,
    default=_STATE,
    show_default=True,
    help="The agent's folder: spool, models, status. One agent at a time.",
)
_hub_option = click.option("--hub", required=True, metavar="URL", help="https://HOST[:PORT]")
_token_option = click.option(
    "--token-file",
    required=True,
    type=_FILE,
    help="Holds the token that `facet hub add-device` showed.",
)
_ca_option = click.option(
    "--ca", type=_FILE, help="Certificate authority of the hub, instead of the system's."
)
_insecure_option = click.option(
    "--insecure", is_flag=True, help="Allow http:// also outside of the local network."
)
_inbox_option = click.option(
    "--inbox",
    type=_FOLDER,
    help="Where applications leave their own inference times.  [default: inbox, in --state]",
)


class _Agent(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            raise MissingExtra(
                f"the agent needs the package {error.name}: pip install 'edgefacet[agent]'"
            ) from error


@click.group("agent", cls=_Agent)
def agent() -> None:
    """Measure for a hub, on this board.

    The agent asks the hub for orders, measures, and keeps what it measured on the disk until the
    hub has it.
    """


@agent.command("run")
@_hub_option
@_token_option
@_ca_option
@_insecure_option
@_state_option
@_inbox_option
@click.option("--once", is_flag=True, help="End when there is nothing more to do for now.")
@click.option(
    "--idle-poll",
    "poll_s",
    type=float,
    callback=lambda ctx, param, value: value and positive(ctx, param, value),
    help="Seconds between two calls.  [default: what the hub says]",
)
@click.option(
    "--spool-limit",
    "spool_mib",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    help="MiB that wait for the hub; then raw samples go, and summaries last.",
)
@click.option(
    "--cache-limit",
    "cache_mib",
    type=click.IntRange(1),
    default=1024,
    show_default=True,
    help="MiB of model files that are kept.",
)
@click.option(
    "--keep-free",
    "free_mib",
    type=click.IntRange(2),
    default=32,
    show_default=True,
    help="MiB below which the disk counts as full: no orders are taken then.",
)
@click.option(
    "--memory-limit",
    "memory_mib",
    type=click.IntRange(64),
    help="MiB that all models of an order may take together.  [default: half the memory, 4096 at "
    "most]",
)
@click.pass_context
def run(ctx: click.Context, /, folder: Path, once: bool, **options: Any) -> None:
    """Take orders from a hub until told to stop.

    Exit codes: 0 told to stop, or with --once all is done and sent; 1 an error; 4 with --once:
    something is left for the next time; 75 another agent uses --state.
    """
    from edge.agent.state import State, StateTaken

    _log_to_stderr()
    try:
        with State(folder.expanduser()) as state:
            done = _run(state, once, **options)
    except StateTaken as error:
        fail(ctx, error, _EXIT_TAKEN)
    if once and not done:
        ctx.exit(EXIT_PARTLY)


@agent.command("status")
@_state_option
@click.option("--footprint", is_flag=True, help="Also what the agent takes of memory and disk.")
@json_option
@click.pass_context
def status(ctx: click.Context, folder: Path, footprint: bool, as_json: bool) -> None:
    """Say how the agent is: what waits, what was refused, and what stands in the way."""
    content = _status(folder.expanduser(), footprint)
    tell(as_json, content, lambda: status_text(content))
    if not content["folder_exists"]:
        ctx.exit(EXIT_ERROR)


@agent.command("install")
@_hub_option
@_token_option
@_ca_option
@_insecure_option
@_inbox_option
@click.option("--group", help="That applications share with the agent, to use --inbox.")
@click.option("--user", is_flag=True, help="As a service of your own, not of the system.")
@click.option("--print", "only_print", is_flag=True, help="Show the unit, and write nothing.")
def install(only_print: bool, **options: Any) -> None:
    """Write a systemd unit that keeps the agent running."""
    from edge.agent.address import HubAddress, read_token
    from edge.agent.unit import Unit

    if options["user"] and options["group"]:
        raise click.UsageError("a service of your own has your groups: leave --group out")
    address = HubAddress(options["hub"], options["ca"], options["insecure"])
    unit = Unit(**options)
    if only_print:
        click.echo(unit.text(), nl=False)
        return
    address.ssl_context()  # what is wrong here would fail at each start
    read_token(options["token_file"])
    click.echo(f"{unit.install()} is written. Now:")
    for line in unit.next_commands():
        click.echo(f"    {line}")


def _run(
    state: Any,
    once: bool,
    *,
    hub: str,
    token_file: Path,
    ca: Path | None,
    insecure: bool,
    inbox: Path | None,
    poll_s: float | None,
    spool_mib: int,
    cache_mib: int,
    free_mib: int,
    memory_mib: int | None,
) -> bool:
    from edge.agent.address import HubAddress, read_token
    from edge.agent.client import HubClient
    from edge.agent.loop import Agent
    from edge.agent.settings import Settings, half_the_memory

    settings = Settings(
        poll_s=poll_s,
        spool_cap_bytes=spool_mib << 20,
        cache_cap_bytes=cache_mib << 20,
        min_free_bytes=free_mib << 20,
        memory_limit_bytes=memory_mib << 20 if memory_mib else half_the_memory(),
        inbox=inbox,
    )
    address = HubAddress(hub, ca, insecure)
    with HubClient(address, read_token(token_file)) as client:
        return Agent(client, state, settings, _stop_at_signals()).run(once)


def _stop_at_signals() -> Any:
    """Set by SIGTERM and SIGINT; what is timed at that moment ends first."""
    import signal
    import threading

    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stop


def _log_to_stderr() -> None:
    import logging

    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("edge.agent").setLevel(logging.INFO)


def _status(folder: Path, footprint: bool) -> dict[str, Any]:
    import sqlite3

    from edge.agent import state
    from edge.agent.items import Standing
    from edge.agent.spool import look
    from edge.agent.starts import Starts
    from edge.agent.status import Status

    try:
        standing, dead = look(folder / "spool.sqlite")
    except sqlite3.Error:
        standing, dead = Standing(), []
    running = state.holder(folder)
    content = {
        "folder": str(folder),
        "folder_exists": folder.is_dir(),
        "running": running,
        **Status.read(folder / "status.json").model_dump(),
        "spool": asdict(standing),
        "dead_letters": [asdict(letter) for letter in dead],
        "blocked": Starts(folder / "starts.json").blocked,
    }
    if footprint:
        content["footprint"] = _footprint(state.holder_pid(folder) if running else None)
    return content


def _footprint(pid: int | None) -> dict[str, Any]:
    from edge.agent.footprint import footprint

    found = footprint(pid)
    return {**asdict(found), "disk_bytes": found.disk_bytes}
