"""The page as data: sections of figures and tables, and the template that renders them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.report.theme import COLOURS, GREY, HUES

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Download:
    """Numbers that a reader can save: a CSV file inside the page."""

    name: str
    csv: str

    @property
    def href(self) -> str:
        data = base64.b64encode(self.csv.encode()).decode()
        return f"data:text/csv;charset=utf-8;base64,{data}"


@dataclass(frozen=True)
class Column:
    """A column of a table; `group` is the heading that it shares with its neighbours."""

    title: str
    group: str = ""
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """Cells as text; the first of each row names the row."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Headings above the columns, with how many each spans; empty where there are none."""
        found: list[tuple[str, int]] = []
        for column in self.columns:
            if found and found[-1][0] == column.group:
                found[-1] = (column.group, found[-1][1] + 1)
            else:
                found.append((column.group, 1))
        return [] if len(found) == 1 else found


@dataclass(frozen=True)
class Figure:
    """A drawing or a table, with how to read it and what it shows."""

    name: str  # unique in the page, a word for ids
    title: str
    caption: str
    body: Markup | Table
    download: Download

    @property
    def is_table(self) -> bool:
        return isinstance(self.body, Table)


@dataclass(frozen=True)
class Section:
    """A chapter; one without figures says in its `lead` why."""

    name: str
    title: str
    lead: str
    figures: Sequence[Figure] = field(default=())


@dataclass(frozen=True)
class Head:
    """What stands above the first section. `warning` is the first line of the page."""

    title: str
    warning: str | None
    verdict: str | None
    facts: Sequence[tuple[str, str]]


def render(head: Head, sections: Sequence[Section]) -> str:
    """The whole page, which needs no other file."""
    page: str = template("page.html.j2").render(
        head=head, sections=sections, colours=COLOURS, hues=(GREY, *HUES)
    )
    return page


def template(name: str) -> Any:
    """A template of this folder; what is filled in is escaped unless it is Markup."""
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
