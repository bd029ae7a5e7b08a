"""The space of NAS-Bench-201 (Dong and Yang, 2020): one cell, the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from edge.nb201 import EDGES, NODES, OUTPUT, Cell
from edge.spec import IMAGE, NONE, SKIP, BlockSpec, Row
from models.cells import CellSpace, joined
from models.spaces import Choices, Decision, Step, after


@dataclass(frozen=True)
class CellOfSixEdges(CellSpace):
    """Six decisions, one per edge, tied over all cells.

    Choices are those of the canonical cell, in which no branch is dead. A cell whose input
    reaches no output passes its input on; in the benchmark its output is zero, and the network
    guesses.
    """

    def cell(self, choices: Sequence[int]) -> Cell:
        """The cell as NAS-Bench-201 writes it: ``str(space.cell(choices))``."""
        return Cell(tuple(map(self.operation, choices)))

    def _settled(self, choices: Choices) -> Choices:
        return tuple(map(self.operations.index, _settled(self.cell(choices)).operations))


@cache  # of 15,625
def _settled(cell: Cell) -> Cell:
    live = cell.canonical
    if set(live.operations) == {NONE}:
        straight = [SKIP if edge == (0, OUTPUT) else NONE for edge in EDGES]
        return Cell(tuple(straight))
    return live


def nb201(
    *,
    input_shape: tuple[int, int, int],
    classes: int,
    operations: Sequence[str],
    stem_stride: int,
    widths: Sequence[int],
    cells: int,
    act: str,
) -> CellOfSixEdges:
    """A stem, a stage of `cells` cells per width, a residual reduction between two stages, and a
    head of BatchNorm, global average and a linear layer."""
    channels, height, width = input_shape
    block = BlockSpec("stem_k3", channels, widths[0], height, width, stem_stride, act)
    steps: list[Step] = [Row("stem", block, inputs=(IMAGE,))]
    for stage, out in enumerate(widths, 1):
        if stage > 1:
            block = after(block, "resnet_k3", out, 2)
            steps.append(Row(f"down{stage}", block, inputs=(steps[-1].place,)))
        for number in range(1, cells + 1):
            steps += _cell(f"stage{stage}.{number}", steps[-1].place, block, operations)
    head = after(block, "norm_head", classes, 1)
    steps.append(Row("head", head, inputs=(steps[-1].place,)))
    return CellOfSixEdges("nb201", input_shape, classes, tuple(operations), (), {(): tuple(steps)})


def _cell(name: str, source: str, before: BlockSpec, operations: Sequence[str]) -> list[Step]:
    """The steps of one cell behind the place `source`, whose block is `before`."""
    inside = after(before, SKIP, before.out_channels, 1)
    candidates = tuple(replace(inside, op=op) for op in operations)
    nodes = {0: source, **{node: f"{name}.node{node}" for node in range(1, NODES)}}
    steps: list[Step] = []
    for node in range(1, NODES):
        edges = [
            Decision(f"{name}.{a}-{b}", candidates, 0, (nodes[a],), f"{a}-{b}")
            for a, b in EDGES
            if b == node
        ]
        steps += joined(nodes[node], inside, edges, live=len(edges))
    return steps
