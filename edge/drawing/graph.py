"""What a drawing shows: boxes and what each of them reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from edge.nb201 import NODES, NOTATION, OUTPUT, Cell
from edge.spec import Architecture, Row

Kind: TypeAlias = Literal["searched", "fixed", "value"]  # a choice, no choice, or what is computed


@dataclass(frozen=True)
class Node:
    """A box; `sources` are the numbers of the boxes before it that it reads."""

    title: str
    detail: str = ""
    kind: Kind = "fixed"
    sources: tuple[int, ...] = ()


Graph: TypeAlias = Sequence[Node]


def of_architecture(architecture: Architecture) -> Graph:
    """The image, then every row that computes anything, in execution order."""
    canonical = architecture.canonical()
    image = Node("image", "×".join(map(str, canonical.input_shape)), "value")
    rows = [
        Node(
            row.block.op,
            _place_and_shape(row),
            "searched" if row.searched else "fixed",
            tuple(source + 1 for source in sources),
        )
        for row, sources in zip(canonical.rows, canonical.sources, strict=True)
    ]
    classes = Node(f"{canonical.classes} classes", "", "value", (len(rows),))
    return [image, *rows, classes]


def of_cell(cell: Cell) -> Graph:
    """Its nodes and live edges, an edge before the node that it leads to."""
    graph = [Node("node 0", "input", "value")]
    number = {0: 0}  # of a node of the cell in the graph
    edges = list(cell.live.edges())
    for node in range(1, NODES):
        first = len(graph)
        graph += [
            Node(NOTATION[op], f"{source} → {node}", "searched", (number[source],))
            for source, to, op in edges
            if to == node
        ]
        summands = tuple(range(first, len(graph)))
        if summands or node == OUTPUT:
            detail = "output" if node == OUTPUT else ""
            detail = detail if summands else "output: always zero"
            number[node] = len(graph)
            graph.append(Node(f"node {node}", detail, "value", summands))
    return graph


def _place_and_shape(row: Row) -> str:
    block = row.block
    if block.op.startswith("head_"):
        return row.place
    return f"{row.place} · {block.out_channels}×{block.out_height}×{block.out_width}"
