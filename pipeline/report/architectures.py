"""Section: the members as rows of operations, a cell for every decision of the search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from markupsafe import Markup

from edge.files import csv_text
from edge.spec import SKIP, Architecture, Row
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
            "and width. skip computes nothing. " + _skips(networks)
        ),
        body=Markup(
            template("operations.html.j2").render(
                label=label, stages=stages, rows=_lines(networks, stages, run.operations)
            )
        ),
        download=Download("operations.csv", _csv(networks)),
    )
    decisions = len(searched(networks[0].architecture))
    lead = (
        f"{plural(len(networks), 'member')} with {plural(decisions, 'decision')} of the search "
        f"each; {different} of {len(networks)} are distinct networks."
    )
    return Section("operations", TITLE, lead, [figure])


def searched(network: Architecture) -> list[Row]:
    """The rows that the search decided on."""
    return [row for row in network.rows if row.searched]


def stages_of(networks: Sequence[Architecture]) -> list[Stage]:
    """The decisions, grouped where only fixed rows or none lie between equal geometries."""
    stages: list[Stage] = []
    for rows in zip(*map(searched, networks), strict=True):
        block = rows[0].block
        widths = sorted({row.block.in_channels for row in rows})
        title = f"{' or '.join(map(str, widths))} × {block.height} × {block.width}"
        if stages and stages[-1].title == title:
            stages[-1] = replace(stages[-1], places=(*stages[-1].places, rows[0].place))
        else:
            stages.append(Stage(title, (rows[0].place,), elastic=len(widths) > 1))
    return stages


def _lines(
    networks: Sequence[Network], stages: Sequence[Stage], operations: Sequence[str]
) -> list[Line]:
    used = {op for network in networks for op in network.architecture.op_counts}
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
        blocks = [rows[place] for place in stage.places]
        if stage.elastic:
            yield Cell((str(blocks[0].in_channels),), look[SKIP].colour.name, first=True)
        for n, block in enumerate(blocks):
            parts = tuple(block.op.split("_", 1))
            yield Cell(parts, look[block.op].colour.name, first=n == 0 and not stage.elastic)


def _skips(networks: Sequence[Network]) -> str:
    """How many decisions skip in the fastest and in the slowest member."""
    ends = [networks[0], networks[-1]] if len(networks) > 1 else [networks[0]]
    told = [
        f"{architecture.op_counts[SKIP]} of {len(searched(architecture))} decisions of {name} skip"
        for _, name, architecture in ends
    ]
    return ", ".join(told) + "."


def _csv(networks: Sequence[Network]) -> str:
    head = ["number", "name", *(row.place for row in searched(networks[0].architecture))]
    rows = [
        [number, name, *(row.block.op for row in searched(architecture))]
        for number, name, architecture in networks
    ]
    return csv_text(head, rows)
