"""Cells as in DARTS (Liu et al., 2019): nodes that sum two edges each, side by side at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np
import numpy.typing as npt

from edge.spec import IMAGE, SKIP, BlockSpec, Row
from models.cells import CellSpace, joined
from models.spaces import Choices, Decision, Step, after

KEPT = 2  # edges of a node


@dataclass(frozen=True)
class NormalAndReduction(CellSpace):
    """One decision per edge, tied over all cells of one kind.

    A node has one or two edges. Of more that are chosen, two stay, whichever; of none, `skip` (or
    the first operation) from the cell before. What probabilities derive is the rule of DARTS: on
    every edge the best operation but `none`, of every node the two edges whose best is likeliest.
    """

    @cached_property
    def nodes(self) -> tuple[tuple[int, ...], ...]:
        """The decisions about the edges of every node, kind by kind; the second is about the edge
        from the cell before."""
        found: dict[str, list[int]] = {}
        for number, decision in enumerate(self.decisions):
            assert decision.tie is not None
            found.setdefault(decision.tie.rpartition("-")[0], []).append(number)
        return tuple(map(tuple, found.values()))

    def derive(self, p: npt.NDArray[np.floating]) -> Choices:
        operations = [n for n in range(len(self.operations)) if n != self.none]
        of_operations = np.where(self.mask, p, 0)[:, operations]
        best, strength = of_operations.argmax(1), of_operations.max(1)
        chosen = [self.none] * len(p)
        for edges in self.nodes:
            for edge in sorted(edges, key=lambda e: -strength[e])[:KEPT]:
                chosen[edge] = operations[best[edge]]
        return self.canonical(chosen)

    def _settled(self, choices: Choices) -> Choices:
        settled = list(choices)
        for edges in self.nodes:
            live = [edge for edge in edges if choices[edge] != self.none]
            if not live:
                settled[edges[1]] = self._default
            for edge in set(live) - set(self._kept(live, choices)):
                settled[edge] = self.none
        return tuple(settled)

    def _kept(self, live: Sequence[int], choices: Choices) -> Sequence[int]:
        """At most two of the edges. Which, is decided by a number that has no favourites: random
        choices keep every pair alike, and the same choices are the same network."""
        if len(live) <= KEPT:
            return live
        pairs = list(combinations(live, KEPT))
        return pairs[sum(choices[edge] for edge in live) % len(pairs)]

    @property
    def _default(self) -> int:
        if SKIP in self.operations:
            return self.operations.index(SKIP)
        return 0 if self.none else 1


def darts(
    *,
    input_shape: tuple[int, int, int],
    classes: int,
    operations: Sequence[str],
    stem_width: int,
    stem_stride: int,
    width: int,
    cells: int,
    nodes: int,
    act: str,
) -> NormalAndReduction:
    """A stem, `cells` cells of `nodes` nodes, and a head of a global average and a linear layer.

    The cells a third and two thirds of the way reduce: half the side, twice the `width`, which is
    that of a node. Every cell reads the two before it.
    """
    channels, height, side = input_shape
    stem = BlockSpec("stem_k3", channels, stem_width, height, side, stem_stride, act)
    steps: list[Step] = [Row("stem", stem, inputs=(IMAGE,))]
    before = [("stem", stem), ("stem", stem)]
    for number in range(cells):
        reduces = number in reductions(cells)
        width *= 2 if reduces else 1
        cell = _Cell(f"cell{number + 1}", reduces, width, nodes, tuple(operations))
        added, last = cell.steps(before)
        steps += added
        before = [before[1], last]
    place, block = before[1]
    steps.append(Row("head", after(block, "mean_head", classes, 1), inputs=(place,)))
    ops = tuple(operations)
    return NormalAndReduction("cell", input_shape, classes, ops, (), {(): tuple(steps)})


def reductions(cells: int) -> set[int]:
    """Which of the cells, counted from 0, reduce."""
    return {cells // 3, 2 * cells // 3} if cells > 1 else set()


@dataclass(frozen=True)
class _Cell:
    name: str
    reduces: bool
    width: int
    nodes: int
    operations: tuple[str, ...]

    def steps(
        self, before: Sequence[tuple[str, BlockSpec]]
    ) -> tuple[list[Step], tuple[str, BlockSpec]]:
        """Those of the cell behind two others, by the place and the last block of each, and the
        same of the cell itself."""
        sources, inside = self._entries(before)
        steps: list[Step] = list(sources)
        inner = after(inside, SKIP, self.width, 2 if self.reduces else 1)
        node = after(inner, SKIP, self.width, 1)
        places = [source.place for source in sources]
        for number in range(1, self.nodes + 1):
            edges = [
                self._edge(place, number, inner if n < len(sources) else node)
                for n, place in enumerate(places)
            ]
            name = f"{self.name}.node{number}"
            steps += joined(name, node, edges, live=KEPT)
            places.append(name)
        concat = after(node, f"concat_{self.nodes}", self.nodes * self.width, 1)
        out = Row(f"{self.name}.out", concat, True, tuple(places[len(sources) :]))
        return [*steps, out], (out.place, concat)

    def _entries(self, before: Sequence[tuple[str, BlockSpec]]) -> tuple[list[Row], BlockSpec]:
        """What brings both inputs to the width of the cell, and to the size of the second."""
        (_, far), (_, near) = before
        same = (far.out_height, far.out_width) == (near.out_height, near.out_width)
        stride = 1 if same else 2
        kinds = (("reduce" if stride == 2 else "relu_conv_k1", stride), ("relu_conv_k1", 1))
        rows = [
            Row(f"{self.name}.in{n}", after(block, op, self.width, s), True, (place,))
            for n, ((place, block), (op, s)) in enumerate(zip(before, kinds, strict=True))
        ]
        return rows, rows[1].block

    def _edge(self, place: str, node: int, block: BlockSpec) -> Decision:
        source = place.removeprefix(f"{self.name}.")
        kind = "reduction" if self.reduces else "normal"
        return Decision(
            f"{self.name}.node{node}-{source}",
            tuple(replace(block, op=op) for op in self.operations),
            0,
            (place,),
            f"{kind}.node{node}-{source}",
        )
