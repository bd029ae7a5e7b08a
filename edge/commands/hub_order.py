"""`facet hub order`: have a board measure something, and see what it measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.commands.hub_access import access_options
from edge.commands.measure_report import report_dict
from edge.commands.measure_text import measured_text
from edge.commands.ordering import ordered_by, what_options
from edge.commands.shared import EXIT_ERROR, EXIT_PARTLY, json_option, tell
from edge.text import facts, fill, printable

if TYPE_CHECKING:
    from edge.hub_order import Answer

_ACCESS = ("url", "token_file", "ca", "insecure")


@click.command("order")
@click.option("--device", required=True, help="Board that shall measure: facet hub devices.")
@what_options
@click.option(
    "--out",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Append the records that have come back to this file of JSON lines, each once.",
)
@click.option("--again", is_flag=True, help="Have the board try once more what failed.")
@access_options
@json_option
@click.pass_context
def order(
    ctx: click.Context,
    /,
    device: str,
    models: tuple[Path, ...],
    out: Path | None,
    again: bool,
    as_json: bool,
    **what: Any,
) -> None:
    """Order a board to measure a family's members, any models, or what a stage ordered.

    The models go to the hub, and the board fetches them when it calls next. The same line typed
    again orders nothing anew: it says how far the board is, and shows what it has measured. What
    failed is tried once more with --again, when the cause is mended.

    Needs an operator's token and: pip install 'edgefacet[agent]'. Exit codes, once the board is
    done: 0 all measured, 1 none, 4 some failed.
    """
    from edge.hub_access import HubAccess
    from edge.progress import Steps

    access = HubAccess(**{name: what.pop(name) for name in _ACCESS})
    ordered = ordered_by(ctx, models, **what)
    with access.open() as hub, Steps() as progress:
        from edge.hub_order import answer, keep, submit

        found = answer(hub, submit(hub, device, ordered, progress, again=again), ordered)
    if out is not None:
        keep(found.results, out)
    content = _content(found)
    tell(as_json, content, lambda: _text(found, content))
    if found.status.state == "done" and content["failed"]:
        ctx.exit(EXIT_PARTLY if content["measured"] else EXIT_ERROR)


def _content(found: Answer) -> dict[str, Any]:
    status = found.status
    return {
        "order": status.id,
        **status.model_dump(include={"device", "device_state", "last_seen", "state", "models"}),
        **report_dict(found.models, found.results),
    }


def _text(found: Answer, content: dict[str, Any]) -> str:
    status = found.status
    seen = f"last seen {status.last_seen}" if status.last_seen else "not seen so far"
    failed = f", {len(content['failed'])} failed" if content["failed"] else ""
    told = facts(
        {
            "Order": status.id[:12],
            "Device": f"{status.device}: {printable(status.device_state)}, {seen}",
            "State": f"{status.state}, {len(content['measured'])} of {status.models} "
            f"measured{failed}",
        }
    )
    more = []
    if status.state == "open":
        more = [fill("To see how far it is, and what was measured, type the same line again.")]
    elif content["failed"]:
        more = [fill("To have the board try again what failed, add --again, once.")]
    return "\n\n".join([told, *measured_text(content), *more])
