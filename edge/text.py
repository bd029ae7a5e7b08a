"""Text for a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.family import Manifest, Member
    from edge.record import Target

WIDTH = 80


def fill(text: str, indent: int = 0) -> str:
    """Wrap `text`, every line but the first indented."""
    return textwrap.fill(
        text, WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False, break_long_words=False
    )


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells, the head first: names to the left, numbers to the right. A name is cut
    where the line would not hold it."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[0] = min(widths[0], WIDTH - sum(width + 2 for width in widths[1:]))
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else _shorten(cell, width).ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def members_table(manifest: Manifest, target: Target | None) -> str:
    """The members of a family, with what was measured on `target`."""
    head = ["member", "hold-out", "test", "median ms", "p95 ms", "size kB", "MMACs"]
    return table([head, *(_member_row(member, target) for member in manifest.members)])


def _member_row(member: Member, target: Target | None) -> list[str]:
    latency = member.latency(target) if target else None
    artifact = member.artifact(target.precision if target else "fp32")
    return [
        member.name,
        f"{member.holdout_accuracy:.2%}",
        f"{member.test_accuracy:.2%}",
        f"{latency.median_ms:.3f}" if latency else "-",
        f"{latency.p95_ms:.3f}" if latency and latency.p95_ms else "-",
        f"{artifact.size_bytes / 1000:.0f}" if artifact else "-",
        f"{member.macs / 1e6:.2f}",
    ]


def _shorten(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
