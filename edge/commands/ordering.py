"""What is to be measured elsewhere: the options of `facet bundle create` and `facet hub order`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge.commands.shared import Command, complete_runtime, positive, with_options

if TYPE_CHECKING:
    from edge.ordering import Ordered

_HOW = ("runtime", "precision", "threads", "blocks", "block_s")  # what an order says itself


def what_options(command: Command) -> Command:
    """Models, and how to measure them: the arguments of `ordered_by`."""
    options = (
        click.argument("models", metavar="[MODEL]...", nargs=-1, type=click.Path(path_type=Path)),
        click.option(
            "--family",
            type=click.Path(path_type=Path),
            help="The members of this family: its folder, or its JSON file.",
        ),
        click.option(
            "--order",
            "order_file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="What a stage ordered: its bundle, or an order alone, whose models are found by "
            "content among MODELs, files or folders.  [default: the folder of this file]",
        ),
        click.option("--runtime", shell_complete=complete_runtime, help="What runs the models."),
        click.option(
            "--precision", help="What the weights of the models are stored in: fp32, int8, ..."
        ),
        click.option("--threads", type=click.IntRange(1, 256), default=1, show_default=True),
        click.option(
            "--blocks",
            type=click.IntRange(3, 101),
            default=7,
            show_default=True,
            help="Blocks of runs per model, in random interleaved order.",
        ),
        click.option(
            "--min-time",
            "block_s",
            type=click.FloatRange(max=60),
            default=1.0,
            show_default=True,
            callback=positive,
            help="Seconds that a block lasts, unless it reaches 2000 runs before.",
        ),
    )
    return with_options(command, options)


def ordered_by(
    ctx: click.Context,
    models: tuple[Path, ...],
    family: Path | None,
    order_file: Path | None,
    threads: int,
    blocks: int,
    block_s: float,
    **chosen: str | None,
) -> Ordered:
    """The order that was typed. Raises click.UsageError where that makes no sense, and what
    `edge.ordering` raises."""
    from edge import bundle, ordering
    from edge.command_line import again, given
    from edge.family import Family
    from edge.orders import How

    how = How(blocks=blocks, block_s=block_s)
    if order_file is not None:
        if family is not None or given(ctx, *_HOW):
            raise click.UsageError("An order says itself what to measure and how.")
        if bundle.is_bundle(order_file):
            if models:
                raise click.UsageError("A bundle holds the models of its order: name no others.")
            found = bundle.read(order_file)
            return ordering.Ordered(found.order, ctx.with_resource(found.models()))
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
