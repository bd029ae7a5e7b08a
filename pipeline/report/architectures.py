"""Section: the members as rows of operations, a cell for every decision of the search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from markupsafe import Markup

from edge.files import csv_text
from edge.spec import NONE, SKIP, Architecture, Row
from pipeline.report.page import Download, Figure, Section, template
from pipeline.report.sources import Run
from pipeline.report.text import plural
from pipeline.report.theme import Look, looks

TITLE = "The members, operation by operation"


@dataclass(frozen=True)
class Stage:
    """The decisions of one stage, side by side; where members have different widths, the width
    is one of them."""

    title: str  # channels × height × width
    places: tuple[str, ...]
    elastic: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The heads of its columns."""
        return ("channels", *self.places) if self.elastic else self.places


@dataclass(frozen=True)
class Cell:
    """What a member has at one decision; `first` at the start of a stage."""

    parts: tuple[str, ...]  # of its name, where a line may break
    hue: str
    first: bool


@dataclass(frozen=True)
class Line:
    """A member."""

    name: str
    cells: tuple[Cell, ...]


class Network(NamedTuple):
    """A member's architecture, with its number in the whole report."""

    number: int
    name: str
    architecture: Architecture


def section(run: Run) -> Section:
    """One row per member; the fixed trunk, the same in all, is left out."""
    networks = [
        Network(one.number, one.member.name, one.member.read_architecture()) for one in run.members
    ]
    stages = stages_of([network.architecture for network in networks])
    different = len({network.architecture.key for network in networks})
    label = "Operations of the members"
    figure = Figure(
        name="operations-figure",
        title=label,
        caption=(
            "From left to right as an image passes through; double lines are the fixed "
            "transitions to the next resolution, and above each stage stand its channels, height "
            f"and width. {_nothing(networks)}. {_skips(networks)}"
        ),
        body=Markup(
            template("operations.html.j2").render(
                label=label, stages=stages, rows=_lines(networks, stages, run.operations)
            )
        ),
        download=Download("operations.csv", _csv(networks)),
    )
    decisions = len(places_of([network.architecture for network in networks]))
    lead = (
        f"{plural(len(networks), 'member')} with {plural(decisions, 'decision')} of the search "
        f"each; {different} of {len(networks)} are distinct networks."
    )
    return Section("operations", TITLE, lead, [figure])


def searched(network: Architecture) -> list[Row]:
    """The rows that the search chose an operation for; where a network branches, its edges."""
    edges = branches(network)
    return [row for row in network.rows if row.searched and (not edges or is_edge(row))]


def branches(network: Architecture) -> bool:
    """Whether it is made of cells: rows say what they read."""
    return any(row.inputs for row in network.rows)


def is_edge(row: Row) -> bool:
    """Whether a row of a cell is an edge, whose place says of what to what; others join them."""
    return "-" in row.place


def places_of(networks: Sequence[Architecture]) -> list[str]:
    """Where any of them has an operation; networks of cells lack the edges that are dead."""
    lists = [[row.place for row in searched(network)] for network in networks]
    if all(one == lists[0] for one in lists):
        return lists[0]
    return sorted({place for one in lists for place in one})


def stages_of(networks: Sequence[Architecture]) -> list[Stage]:
    """The decisions, grouped where only fixed rows or none lie between equal geometries."""
    rows = [row for network in networks for row in searched(network)]
    stages: list[Stage] = []
    for place in places_of(networks):
        blocks = [row.block for row in rows if row.place == place]
        widths = sorted({block.in_channels for block in blocks})
        title = f"{' or '.join(map(str, widths))} × {blocks[0].height} × {blocks[0].width}"
        if stages and stages[-1].title == title:
            stages[-1] = replace(stages[-1], places=(*stages[-1].places, place))
        else:
            stages.append(Stage(title, (place,), elastic=len(widths) > 1))
    return stages


def _lines(
    networks: Sequence[Network], stages: Sequence[Stage], operations: Sequence[str]
) -> list[Line]:
    used = {row.block.op for network in networks for row in searched(network.architecture)}
    used |= {NONE} if branches(networks[0].architecture) else set()
    look = looks([*operations, *sorted(used - set(operations))])
    return [
        Line(
            f"{network.number} {network.name}",
            tuple(_cells(network.architecture, stages, look)),
        )
        for network in networks
    ]


def _cells(
    architecture: Architecture, stages: Sequence[Stage], look: Mapping[str, Look]
) -> Iterator[Cell]:
    rows = {row.place: row.block for row in searched(architecture)}
    for stage in stages:
        if stage.elastic:
            width = next(rows[place].in_channels for place in stage.places)
            yield Cell((str(width),), look[SKIP].colour.name, first=True)
        for n, place in enumerate(stage.places):
            op = rows[place].op if place in rows else NONE
            parts = tuple(op.split("_", 1))
            yield Cell(parts, look[op].colour.name, first=n == 0 and not stage.elastic)


def _nothing(networks: Sequence[Network]) -> str:
    """What the grey operations stand for."""
    cells = branches(networks[0].architecture)
    return "skip computes nothing" + (", and none is no edge" if cells else "")


def _skips(networks: Sequence[Network]) -> str:
    """How many decisions skip in the fastest and in the slowest member."""
    count = len(places_of([network.architecture for network in networks]))
    ends = [networks[0], networks[-1]] if len(networks) > 1 else [networks[0]]
    told = [
        f"{_ops(architecture).count(SKIP)} of {count} decisions of {name} skip"
        for _, name, architecture in ends
    ]
    return ", ".join(told) + "."


def _ops(network: Architecture) -> list[str]:
    return [row.block.op for row in searched(network)]


def _csv(networks: Sequence[Network]) -> str:
    places = places_of([network.architecture for network in networks])
    rows: list[list[object]] = []
    for number, name, architecture in networks:
        ops = {row.place: row.block.op for row in searched(architecture)}
        rows.append([number, name, *(ops.get(place, NONE) for place in places)])
    return csv_text(["number", "name", *places], rows)
