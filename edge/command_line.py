"""The command line that was typed: an error can end with one to copy."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import click
from click.core import ParameterSource

from edge.record import Target


def again(ctx: click.Context, *more: str) -> str:
    """What was typed, without defaults, quoted for a shell, and `more` words after it."""
    words = ["facet", *ctx.command_path.split()[1:]]
    for parameter in ctx.command.params:
        name = parameter.name or ""
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            words += [parameter.opts[0], *_value(ctx.params[name])]
    return shlex.join([*words, *more])


def given(ctx: click.Context, *names: str) -> list[str]:
    """The options, of the parameters called `names`, that were typed."""
    return [
        parameter.opts[0]
        for parameter in ctx.command.params
        if parameter.name in names
        and ctx.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]


def target_option(targets: Sequence[Target]) -> list[str]:
    """The options that choose the first of `targets`: its runtime, its precision or both where
    that is enough."""
    first, *others = targets
    for fields in (("runtime",), ("precision",), ("runtime", "precision")):
        wanted = [getattr(first, name) for name in fields]
        if wanted not in [[getattr(other, name) for name in fields] for other in others]:
            return [word for name in fields for word in (f"--{name}", getattr(first, name))]
    return ["--target", first.id]


def _value(value: object) -> list[str]:
    if value is True:  # a flag
        return []
    return [f"{value:.12g}" if isinstance(value, float) else str(value)]
