"""What the terminal shows: tables with a little style, plain text where there is no terminal.

Without a terminal lines have 80 columns and no escape codes, so that the same data gives the same
text everywhere. `NO_COLOR` and `FORCE_COLOR` are respected. By hand, and not by a library for
terminals, whose 12 MB a board does without.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from edge.family import Manifest, Member
    from edge.record import Target

WIDTH = 80
_GAP = "  "
_LEAST_TEXT = 24  # columns of a text that goes on below
_Style = Literal["plain", "bold", "cyan"]
_ONE_LINE = str.maketrans("\n\t", "  ")


def printable(text: str) -> str:
    """`text` without what a terminal would obey: a hostile file may have named or said it."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def fill(text: str, indent: int = 0) -> str:
    """Wrap `text`, every line but the first indented."""
    return textwrap.fill(
        printable(text),
        WIDTH,
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


def message(text: str) -> str:
    """Wrap every line of `text` by itself, and go on with two more blanks; an indented command of
    ours stays whole, because it is there to be copied."""
    return "\n".join(
        line if line.startswith("  facet ") else fill(line, len(line) - len(line.lstrip()) + 2)
        for line in printable(text).split("\n")
    )


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], names: int = 1, wraps: bool = False
) -> str:
    """Rows of cells below their headings: `names` columns of text to the left, then numbers.

    A heading of two lines has the unit in its second one. The first column is cut where the line
    would not hold it; with `wraps` it never is: the last column is a text, which goes on below.
    """
    headings = [heading.split("\n") for heading in head]
    height = max(map(len, headings))
    above = [*zip(*([""] * (height - len(lines)) + lines for lines in headings), strict=True)]
    below = [[printable(cell).translate(_ONE_LINE) for cell in row] for row in rows]
    widths = [max(map(columns, column)) for column in zip(*above, *below, strict=True)]
    room = _line_width() - sum(width + len(_GAP) for width in widths)
    if wraps:
        widths[-1] = min(widths[-1], max(_LEAST_TEXT, widths[-1] + len(_GAP) + room))
        below = [cells for row in below for cells in _unfolded(row, widths[-1])]
    else:
        widths[0] = min(widths[0], max(1, widths[0] + len(_GAP) + room))

    def line(cells: Sequence[str], first: _Style, others: _Style) -> str:
        styled = [_style(_cut(cells[0], widths[0]), first), *(_style(c, others) for c in cells[1:])]
        padded = [
            _pad(cell, width, right=names <= column < len(widths) - wraps)
            for column, (cell, width) in enumerate(zip(styled, widths, strict=True))
        ]
        return _GAP.join(padded).rstrip()

    lines = [line(cells, "bold", "bold") for cells in above]
    return "\n".join([*lines, *(line(cells, "cyan", "plain") for cells in below)])


def facts(values: Mapping[str, str]) -> str:
    """One line per fact, its name in front; long values are wrapped."""
    names = [printable(name).translate(_ONE_LINE) for name in values]
    indent = max(map(columns, names), default=0) + len(_GAP)
    lines = []
    for name, value in zip(names, values.values(), strict=True):
        first, *rest = _wrapped(printable(value), _line_width() - indent)
        lines.append((_pad(_style(name, "bold"), indent) + first).rstrip())
        lines += [" " * indent + line for line in rest]
    return "\n".join(lines)


def number(value: float | None, digits: int, unit: float = 1.0) -> str:
    """`value` in units of `unit`; what is not known is a dash."""
    return "-" if value is None else f"{value / unit:.{digits}f}"


def members_table(manifest: Manifest, target: Target | None) -> str:
    """The members of a family, with what was measured on `target`."""
    head = [
        *("member", "hold-out\n%", "test\n%", "median\nms", "p95\nms"),
        *("file\nkB", "peak\nMB", "params\nk", "MACs\nM"),
    ]
    return table(head, [_member_row(member, target) for member in manifest.members])


def _member_row(member: Member, target: Target | None) -> list[str]:
    latency = member.latency(target) if target else None
    artifact = member.artifact(target) if target else next(iter(member.deployed), None)
    member = member.on(target) if target else member
    return [
        member.name,
        number(member.holdout_accuracy, 2, unit=1e-2),
        number(member.test_accuracy, 2, unit=1e-2),
        number(latency.median_ms if latency else None, 3),
        number(latency.p95_ms if latency else None, 3),
        number(artifact.size_bytes if artifact else None, 0, unit=1e3),
        number(latency.peak_memory_bytes if latency else None, 1, unit=1e6),
        number(member.parameters, 1, unit=1e3),
        number(member.macs, 2, unit=1e6),
    ]


def columns(text: str) -> int:
    """How many columns of a terminal `text` takes, styled or not."""
    plain = click.unstyle(text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in plain)
    return len(plain) + wide - sum(unicodedata.combining(c) > 0 for c in plain)


def _unfolded(row: Sequence[str], width: int) -> list[list[str]]:
    """`row`, and rows below it in which the last cell goes on."""
    *cells, text = row
    first, *rest = _wrapped(text, width)
    return [[*cells, first], *([*[""] * len(cells), line] for line in rest)]


def _line_width() -> int:
    return max(WIDTH, shutil.get_terminal_size().columns) if sys.stdout.isatty() else WIDTH


def _style(text: str, style: _Style) -> str:
    """On a terminal alone; `NO_COLOR` leaves what is bold."""
    if not text or not (sys.stdout.isatty() or os.environ.get("FORCE_COLOR")):
        return text
    if style == "cyan" and not os.environ.get("NO_COLOR"):
        return click.style(text, fg="cyan")
    return click.style(text, bold=True) if style == "bold" else text


def _pad(text: str, width: int, right: bool = False) -> str:
    blanks = " " * (width - columns(text))
    return blanks + text if right else text + blanks


def _cut(text: str, width: int) -> str:
    if columns(text) <= width:
        return text
    while columns(text) >= width and text:
        text = text[:-1]
    return f"{text}…"


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of `width` columns at most, one at least."""
    return [
        line
        for paragraph in text.split("\n")
        for line in textwrap.wrap(paragraph, max(1, width), break_on_hyphens=False) or [""]
    ]
