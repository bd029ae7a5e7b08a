"""The command `facet`: thin, and quick to answer `--help`.

Everything heavier than click is imported by the command that needs it.
"""

from __future__ import annotations

from typing import Any

import click

from edge import __version__
from edge.commands.agent import agent
from edge.commands.arch import arch
from edge.commands.bundle import bundle
from edge.commands.family import family_group, members
from edge.commands.feedback import feedback
from edge.commands.hub import hub
from edge.commands.info import info
from edge.commands.measure import measure
from edge.commands.pick import pick_member
from edge.commands.shared import EXIT_ERROR, fail
from edge.errors import EdgeError

_COMPLETION = """\b
Completion for the running shell, bash (or zsh_source) and fish:
  eval "$(_FACET_COMPLETE=bash_source facet)"
  _FACET_COMPLETE=fish_source facet | source
"""


class _Facet(click.Group):
    """Shows EdgeFacet's own errors, and those of a disk, as one message without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # nobody reads on: click ends quietly
            raise
        except (EdgeError, OSError) as error:
            fail(ctx, error, EXIT_ERROR)


@click.group(
    cls=_Facet,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_COMPLETION,
)
@click.version_option(__version__, prog_name="facet")
def main() -> None:
    """One search, a family of networks, one for every latency budget.

    Exit codes: 0 done, 1 error, 2 wrong usage, 3 no member fits the budget,
    4 done in part: some models could not be measured, or some records were refused.
    """


main.add_command(agent)
main.add_command(arch)
main.add_command(bundle)
main.add_command(family_group)
main.add_command(feedback)
main.add_command(hub)
main.add_command(info)
main.add_command(measure)
main.add_command(members)
main.add_command(pick_member)
