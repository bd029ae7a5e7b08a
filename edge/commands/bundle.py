"""`facet bundle`: what a board without a network shall measure, as one file."""

from __future__ import annotations

import os
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.commands.bundle_text import to_dict, to_text
from edge.commands.shared import complete_runtime, json_option, positive, tell
from edge.errors import EdgeError

if TYPE_CHECKING:
    from edge.ordering import Ordered

_HOW = ("runtime", "precision", "threads", "blocks", "block_s")  # what an order says itself


class NotWritten(EdgeError, OSError):
    """A file of the bundle could not be read or written."""


@click.group("bundle")
def bundle() -> None:
    """Carry an order to a board that has no network.

    A bundle holds models and how to measure them. On the board: facet measure BUNDLE.
    """


@bundle.command("create")
@click.argument("models", metavar="[MODEL]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--family",
    type=click.Path(path_type=Path),
    help="The members of this family: its folder, or its JSON file.",
)
@click.option(
    "--order",
    "order_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What a stage ordered. Its models are found by content among MODELs, files or folders.  "
    "[default: the folder of this file]",
)
@click.option("--runtime", shell_complete=complete_runtime, help="What runs the models.")
@click.option("--precision", help="What the weights of the models are stored in: fp32, int8, ...")
@click.option("--threads", type=click.IntRange(1, 256), default=1, show_default=True)
@click.option(
    "--blocks",
    type=click.IntRange(3, 101),
    default=7,
    show_default=True,
    help="Blocks of runs per model, in random interleaved order.",
)
@click.option(
    "--min-time",
    "block_s",
    type=click.FloatRange(max=60),
    default=1.0,
    show_default=True,
    callback=positive,
    help="Seconds that a block lasts, unless it reaches 2000 runs before.",
)
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
        ordered = _order(ctx, models, **what)
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


def _order(
    ctx: click.Context,
    models: tuple[Path, ...],
    family: Path | None,
    order_file: Path | None,
    threads: int,
    blocks: int,
    block_s: float,
    **chosen: str | None,
) -> Ordered:
    from edge import ordering
    from edge.command_line import again, given
    from edge.family import Family
    from edge.orders import How

    how = How(blocks=blocks, block_s=block_s)
    if order_file is not None:
        if family is not None or given(ctx, *_HOW):
            raise click.UsageError("An order says itself what to measure and how.")
        return ordering.of_order(order_file, models)
    if bool(models) == (family is not None):
        raise click.UsageError("Name either model files, a --family or an --order.")
    if family is None:
        return ordering.of_files(models, threads=threads, how=how, **chosen)
    try:
        return ordering.of_family(Family.load(family), threads=threads, how=how, **chosen)
    except ordering.SeveralOrders as error:
        runtime, precision = error.offers[0]
        missing = {"--runtime": runtime, "--precision": precision}
        more = [w for o, v in missing.items() if not chosen[o[2:]] for w in (o, v)]
        raise ordering.SeveralOrders(
            f"{error}; for example:\n  {again(ctx, *more)}", error.offers
        ) from error


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
