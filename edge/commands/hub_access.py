"""Which hub to ask, and how an operator is let in: the options of `edge.hub_access.HubAccess`."""

from __future__ import annotations

from pathlib import Path

import click

from edge.commands.shared import Command, with_options


def access_options(command: Command) -> Command:
    """The fields of a `HubAccess`, each with its variable of the environment."""
    options = (
        click.option(
            "--hub", "url", envvar="EDGEFACET_HUB", required=True, show_envvar=True, metavar="URL"
        ),
        click.option(
            "--token-file",
            envvar="EDGEFACET_HUB_TOKEN_FILE",
            required=True,
            show_envvar=True,
            type=click.Path(path_type=Path, dir_okay=False),
            help="Holds the token that `facet hub add-operator` showed.",
        ),
        click.option(
            "--ca",
            envvar="EDGEFACET_HUB_CA",
            show_envvar=True,
            type=click.Path(path_type=Path, dir_okay=False),
            help="Certificate authority of the hub, instead of the system's.",
        ),
        click.option(
            "--insecure",
            envvar="EDGEFACET_HUB_INSECURE",
            show_envvar=True,
            is_flag=True,
            help="Allow http:// also outside of the local network.",
        ),
    )
    return with_options(command, options)
