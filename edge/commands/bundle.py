"""`facet bundle`: what a board without a network shall measure, as one file."""

from __future__ import annotations

import os
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click

from edge.commands.bundle_text import to_dict, to_text
from edge.commands.ordering import ordered_by, what_options
from edge.commands.shared import json_option, tell
from edge.errors import EdgeError


class NotWritten(EdgeError, OSError):
    """A file of the bundle could not be read or written."""


@click.group("bundle")
def bundle() -> None:
    """Carry an order to a board that has no network.

    A bundle holds models and how to measure them. On the board: facet measure BUNDLE.
    """


@bundle.command("create")
@what_options
@click.option(
    "--wheels",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Take the wheels of this folder along.",
)
@click.option(
    "--fetch-wheels",
    "board",
    metavar="ARCH:PYTHON",
    help="Let pip fetch what a board needs, as aarch64:3.11 (Raspberry Pi OS 12), and take it "
    "along; edgefacet itself from --wheels, if given.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The bundle to write: .zip or .tar.",
)
@json_option
@click.pass_context
def create(
    ctx: click.Context,
    /,
    models: tuple[Path, ...],
    wheels: Path | None,
    board: str | None,
    out: Path,
    as_json: bool,
    **what: Any,
) -> None:
    """Write a bundle of a family's members, of any models, or of an order."""
    from edge import bundle_writer

    try:
        ordered = ordered_by(ctx, models, **what)
        with tempfile.TemporaryDirectory() as folder:
            made = bundle_writer.write(
                out,
                ordered.order,
                ordered.files,
                created=_now(),
                wheels=_wheels(wheels, board, ordered.order.runtime, Path(folder)),
            )
    except EdgeError:
        raise
    except OSError as error:
        where = click.format_filename(error.filename or out)
        raise NotWritten(f"cannot make the bundle: {where}: {error.strerror}") from error
    tell(as_json, to_dict(made), lambda: to_text(made))


@bundle.command("show")
@click.argument("path", metavar="BUNDLE", type=click.Path(exists=True, path_type=Path))
@json_option
def show(path: Path, as_json: bool) -> None:
    """Say what is in a bundle, and check every file of it."""
    from edge.bundle import read

    found = read(path)
    found.verify()
    tell(as_json, to_dict(found), lambda: to_text(found))


def _wheels(folder: Path | None, board: str | None, runtime: str, temporary: Path) -> list[Path]:
    from edge.wheels import Board, fetch, wheels_in

    found = wheels_in(folder) if folder else []
    if board is not None:
        fetched = fetch(Board.parse(board), runtime, temporary, ours=folder)
        names = {path.name for path in fetched}
        found = [*fetched, *(path for path in found if path.name not in names)]
    return found


def _now() -> datetime:
    """SOURCE_DATE_EPOCH, where it is set, makes the same bundle again: reproducible-builds.org."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    now_s = int(epoch) if epoch.isdecimal() else time.time()
    return datetime.fromtimestamp(now_s, timezone.utc)
