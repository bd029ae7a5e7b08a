"""What the commands have in common: options, exit codes, and how an answer or an error is told."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from edge.errors import EdgeError
from edge.files import DISK_FULL, full_disk_names
from edge.text import fill, message

if TYPE_CHECKING:
    from edge.record import Target

Command = TypeVar("Command", bound=Callable[..., Any])

EXIT_ERROR = 1
EXIT_NO_FIT = 3
EXIT_PARTLY = 4

_FAMILY = Path("results/family")
_AS_JSON = "edgefacet.as_json"  # in the context's meta: how an error is to be told


def with_options(command: Command, options: Sequence[Callable[[Command], Command]]) -> Command:
    """`command` with what several commands have in common, in this order in its help."""
    for option in reversed(options):
        command = option(command)
    return command


def tell(as_json: bool, content: dict[str, Any], text: Callable[[], str]) -> None:
    """Print the answer: one JSON object, or a text for people."""
    said = json.dumps(content, indent=2) if as_json else text()
    with full_disk_names(Path("standard output")):
        click.echo(said)


def remark(text: str) -> None:
    """Say something beside the answer, which it leaves as it is."""
    click.echo(fill(text, indent=2), err=True)


def fail(ctx: click.Context, error: EdgeError | OSError, code: int, **details: Any) -> NoReturn:
    """Print the error, with `--json` also as an object with `details`, and exit with `code`."""
    said = _said(error)
    if ctx.meta.get(_AS_JSON):
        answer = {"error": said, "kind": type(error).__name__, **details}
        try:
            click.echo(json.dumps(answer, indent=2))
        except OSError as full:
            if full.errno not in DISK_FULL:  # which may well be `error` itself
                raise
    click.echo(message(f"error: {said}"), err=True)
    ctx.exit(code)


def _said(error: EdgeError | OSError) -> str:
    """Our own messages as they are; of others which file, and what the system says of it."""
    if isinstance(error, EdgeError) or error.strerror is None:
        return str(error) or type(error).__name__
    if isinstance(error.filename, str):
        return f"{click.format_filename(error.filename)}: {error.strerror}"
    return error.strerror


def target_dict(target: Target) -> dict[str, Any]:
    """The target as every JSON answer shows it: its id first."""
    return {"id": target.id, **target.model_dump(mode="json")}


def positive(_ctx: click.Context, _param: click.Parameter, value: float) -> float:
    """Callback of an option in milliseconds or seconds."""
    if not (value > 0 and math.isfinite(value)):
        raise click.BadParameter(f"{value:g} is not a positive number.")
    return value


def complete_runtime(_ctx: click.Context, _param: click.Parameter, typed: str) -> list[str]:
    """What the shell offers behind `--runtime`."""
    from edge import runtimes

    return [name for name in runtimes.names() if name.startswith(typed)]


def _note(ctx: click.Context, _param: click.Parameter, as_json: bool) -> bool:
    ctx.meta[_AS_JSON] = as_json
    return as_json


json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    is_eager=True,
    callback=_note,
    help="Print one JSON object instead of text, also for an error.",
)
family_option = click.option(
    "--family",
    type=click.Path(path_type=Path),
    default=_FAMILY,
    show_default=True,
    help="Folder of the family, or its JSON file.",
)
