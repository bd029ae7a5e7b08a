"""Cells of NAS-Bench-201 (Dong and Yang, 2020) as data: notation, dead branches, isomorphism.

A cell has four nodes. Node 0 is its input, node 3 its output; every node sums what the six edges
bring from earlier nodes. In the notation of the benchmark the nodes are separated by ``+`` and
an edge is ``operation~source``::

    |nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|nor_conv_1x1~1|avg_pool_3x3~2|
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from edge.spec import NONE, SKIP, SpecError

NOTATION = {  # our operations → those of the benchmark
    NONE: "none",
    SKIP: "skip_connect",
    "relu_conv_k1": "nor_conv_1x1",
    "relu_conv_k3": "nor_conv_3x3",
    "avg_pool_k3": "avg_pool_3x3",
}
OPERATIONS = tuple(NOTATION)
NODES = 4
OUTPUT = NODES - 1
EDGES = tuple((source, node) for node in range(1, NODES) for source in range(node))

_ZERO = "#"
_OPERATION_OF = {theirs: ours for ours, theirs in NOTATION.items()}
_EDGE = re.compile(r"(\w+)~(\d)")
_EXAMPLE = "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|"


@dataclass(frozen=True, order=True)
class Cell:
    """One operation per edge, in the order of EDGES. Raises SpecError for any other."""

    operations: tuple[str, ...]

    def __post_init__(self) -> None:
        unknown = [op for op in self.operations if op not in NOTATION]
        if unknown or len(self.operations) != len(EDGES):
            raise SpecError(
                f"{self.operations} is no cell: give {len(EDGES)} of {', '.join(OPERATIONS)}"
            )

    @classmethod
    def parse(cls, text: str) -> Cell:
        """Read the notation of the benchmark; ``str`` writes it. Raises SpecError."""
        edges = _EDGE.findall(text)
        unknown = sorted({name for name, _ in edges} - set(_OPERATION_OF))
        if unknown:
            known = ", ".join(_OPERATION_OF)
            raise SpecError(f"unknown operation {unknown[0]!r} in a cell; known: {known}")
        if len(edges) == len(EDGES):
            cell = cls(tuple(_OPERATION_OF[name] for name, _ in edges))
            if str(cell) == text:
                return cell
        raise SpecError(f"{text!r} is no cell of NAS-Bench-201; expected e.g. {_EXAMPLE!r}")

    def __str__(self) -> str:
        nodes: list[list[str]] = [[] for _ in range(1, NODES)]
        for (source, node), op in zip(EDGES, self.operations, strict=True):
            nodes[node - 1].append(f"{NOTATION[op]}~{source}")
        return "+".join(f"|{'|'.join(edges)}|" for edges in nodes)

    @cached_property
    def live(self) -> Cell:
        """The same function with `none` on every edge that no input reaches, or that reaches no
        output. All edges are `none` where the output is zero whatever the input."""
        reached, used = {0}, {OUTPUT}
        for source, node, _ in self.edges():
            if source in reached:
                reached.add(node)
        for source, node, _ in reversed([*self.edges()]):
            if node in used:
                used.add(source)
        alive = [source in reached and node in used for source, node in EDGES]
        pairs = zip(self.operations, alive, strict=True)
        return Cell(tuple(op if lives else NONE for op, lives in pairs))

    @cached_property
    def canonical(self) -> Cell:
        """One cell for all that compute the same by the same operations: without dead branches,
        and whichever of the two inner nodes comes first where no edge joins them."""
        first, second, between, out0, out1, out2 = self.live.operations
        if between != NONE:
            return self.live
        return min(self.live, Cell((second, first, NONE, out0, out2, out1)))

    @cached_property
    def isomorphism_key(self) -> str:
        """Equal for cells that the benchmark counts as one: 15,625 cells have 6,466 keys.

        It spells every node as the sorted spellings of what it sums; `skip` is spelt as its
        source. The figure hangs on this very spelling: zeros count as summands, a sum in a sum
        is sorted as one word, and two convolutions are spelt as one that is used twice. So the
        key finds a cell in the benchmark's tables; `canonical` says what to build.
        """
        nodes = ["0"]
        for node in range(1, NODES):
            edges = zip(EDGES, self.operations, strict=True)
            summands = [_spelt(op, nodes[source]) for (source, to), op in edges if to == node]
            nodes.append("+".join(sorted(summands)))
        return nodes[OUTPUT]

    def edges(self) -> Iterator[tuple[int, int, str]]:
        """(source, node, operation) of every edge but `none`."""
        for (source, node), op in zip(EDGES, self.operations, strict=True):
            if op != NONE:
                yield source, node, op


def _spelt(op: str, source: str) -> str:
    if op == NONE or source == _ZERO:
        return _ZERO
    return source if op == SKIP else f"({source})@{NOTATION[op]}"
