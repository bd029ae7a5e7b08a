"""`facet arch`: architectures, looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.commands.shared import json_option, tell
from edge.errors import EdgeError

if TYPE_CHECKING:
    from edge.drawing.graph import Graph


class NoArchitecture(EdgeError, ValueError):
    """What was given holds no architecture, or several without saying which."""


@click.group("arch")
def arch() -> None:
    """Look at architectures."""


@arch.command("show")
@click.argument("source", metavar="FILE|STRING")
@click.option("--member", help="Which one, where the file holds several.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the drawing.  [default: standard output]",
)
@json_option
def show(source: str, member: str | None, out: Path | None, as_json: bool) -> None:
    """Draw an architecture as SVG: what it computes, without skips and dead branches.

    FILE is the JSON of an architecture, of a family (family.json) or of the members that a
    stage wrote. STRING is a cell of NAS-Bench-201, '|nor_conv_3x3~0|+|none~0|...'. It needs
    quotes.
    """
    from edge.drawing.svg import svg
    from edge.files import write_atomic

    graph, title, facts = _read(source, member)
    drawing = svg(graph, title)
    if out is not None:
        write_atomic(out, drawing)
    content = {**facts, "svg": str(out) if out else drawing}
    tell(as_json, content, lambda: f"{title}: {out}" if out else drawing)


def _read(source: str, member: str | None) -> tuple[Graph, str, dict[str, Any]]:
    """What to draw, its title, and what --json says of it."""
    from edge.drawing.graph import of_architecture, of_cell
    from edge.nb201 import Cell
    from edge.spec import Architecture

    if source.startswith("|"):
        cell = Cell.parse(source)
        told = {"cell": source, "canonical": str(cell.canonical), "key": cell.isomorphism_key}
        return of_cell(cell), source, told
    name, data = _chosen(_load(source), member, source)
    architecture = Architecture.from_dict(data)
    facts = {"name": name, "space": architecture.space, "key": architecture.key}
    title = " · ".join([*([name] if name else []), architecture.space, architecture.key])
    return of_architecture(architecture), title, facts


def _load(source: str) -> Any:
    try:
        return json.loads(Path(source).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NoArchitecture(
            f"cannot read {source} as JSON ({error}); give the file of an architecture or of a "
            "family, or a cell such as '|nor_conv_3x3~0|+|none~0|none~1|+|...' in quotes"
        ) from error


def _chosen(data: Any, member: str | None, source: str) -> tuple[str | None, Any]:
    """The name and the data of an architecture in what a file holds."""
    members = data.get("members") if isinstance(data, dict) else None
    if not isinstance(members, list):
        if member is not None:
            raise NoArchitecture(f"{source} holds no members: leave --member out")
        return None, data
    named = {m["name"]: m["architecture"] for m in members if {"name", "architecture"} <= {*m}}
    if member not in named:
        names = ", ".join(map(str, named)) or "none that can be drawn"
        raise NoArchitecture(f"{source} holds several; choose by --member one of: {names}")
    return member, named[member]
