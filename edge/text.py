"""What the terminal shows: tables with a little style, plain text where there is no terminal.

Without a terminal lines have 80 columns and no escape codes, so that the same data gives the same
text everywhere. `NO_COLOR` is respected. rich is imported when something is shown, never before.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from edge.family import Manifest, Member
    from edge.record import Target

WIDTH = 80
_GAP = (0, 2, 0, 0)  # two blanks to the right of a cell


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


def table(head: Sequence[str], rows: Sequence[Sequence[str]], names: int = 1) -> str:
    """Rows of cells below their headings: `names` columns of text to the left, then numbers.

    A heading of two lines has the unit in its second one. The first column is cut where the line
    would not hold it.
    """
    from rich.table import Table

    grid = Table(box=None, pad_edge=False, padding=_GAP, header_style="bold")
    for column, heading in enumerate(head):
        grid.add_column(
            heading,
            style="cyan" if column == 0 else "",
            justify="left" if column < names else "right",
            no_wrap=column > 0,
            overflow="ellipsis",
        )
    for row in rows:
        grid.add_row(*map(printable, row))
    return _render(grid)


def facts(values: Mapping[str, str]) -> str:
    """One line per fact, its name in front; long values are wrapped."""
    from rich.table import Table

    grid = Table.grid(padding=_GAP)
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    for name, value in values.items():
        grid.add_row(printable(name), printable(value))
    return _render(grid)


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


def _render(grid: Table) -> str:
    from rich.console import Console

    # Names are data: neither markup nor smileys are looked for in them.
    console = Console(markup=False, emoji=False, highlight=False)
    console.width = max(WIDTH, console.width) if console.is_terminal else WIDTH
    with console.capture() as captured:
        console.print(grid)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())
