"""Where boxes stand: in layers, each below all that it reads (Sugiyama et al., 1981).

A line that passes a layer gets a place in it, so that it runs beside the boxes. Inside a layer
the order is that of the mean place of what each reads.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import fmean
from typing import NamedTuple, TypeAlias

from edge.drawing.graph import Graph

Point: TypeAlias = tuple[float, float]  # boxes to the right, layers down

_LINE_WIDTH = 0.25  # what a passing line takes, in boxes


@dataclass(frozen=True)
class Layout:
    """Centres of the boxes, by their number, and the lines between them through their places.

    A box is one wide with its margin, and layers are one apart.
    """

    boxes: tuple[Point, ...]
    lines: tuple[tuple[Point, ...], ...]
    width: float
    layers: int


class _Slot(NamedTuple):
    """A place in a layer: of box n, where `source` and `target` are n, or of a passing line."""

    layer: int
    source: int
    target: int

    @property
    def width(self) -> float:
        return 1.0 if self.source == self.target else _LINE_WIDTH


def layout(graph: Graph) -> Layout:
    """Places for all boxes of `graph`, which is not empty."""
    boxes: list[_Slot] = []
    lines: list[list[_Slot]] = []
    for n, node in enumerate(graph):
        sources = [boxes[source] for source in dict.fromkeys(node.sources)]
        layer = 1 + max((source.layer for source in sources), default=-1)
        boxes.append(_Slot(layer, n, n))
        lines += [
            [
                source,
                *(_Slot(passed, source.source, n) for passed in range(source.layer + 1, layer)),
                boxes[n],
            ]
            for source in sources
        ]
    across = _across({*boxes, *(slot for line in lines for slot in line)}, lines)
    left = min(x - slot.width / 2 for slot, x in across.items())
    right = max(x + slot.width / 2 for slot, x in across.items())

    def point(slot: _Slot) -> Point:
        return across[slot] - left, float(slot.layer)

    return Layout(
        tuple(map(point, boxes)),
        tuple(tuple(map(point, line)) for line in lines),
        right - left,
        1 + max(slot.layer for slot in boxes),
    )


def _across(slots: Iterable[_Slot], lines: Iterable[Sequence[_Slot]]) -> dict[_Slot, float]:
    """How far right every slot stands; the middle of every layer is at zero."""
    read = defaultdict(list)
    for line in lines:
        for source, slot in pairwise(line):
            read[slot].append(source)
    across: dict[_Slot, float] = {}
    for _, layer in groupby(sorted(slots), key=lambda slot: slot.layer):
        mean = {
            slot: fmean(across[source] for source in read[slot]) if read[slot] else 0.0
            for slot in layer
        }
        across |= dict(
            _side_by_side(sorted(mean, key=lambda slot: (mean[slot], -slot.width, slot)))
        )
    return across


def _side_by_side(layer: Sequence[_Slot]) -> Iterator[tuple[_Slot, float]]:
    x = -sum(slot.width for slot in layer) / 2
    for slot in layer:
        yield slot, x + slot.width / 2
        x += slot.width
