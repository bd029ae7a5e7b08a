"""Spaces whose networks are stacked cells: steps branch, and one choice stands for many places.

The steps are the cell in full, with every edge that there may be; the place of an edge, and of
nothing else, has a hyphen. A network has the edges that are alive: those that a search chose an
operation for, and whose output reaches the end.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edge.spec import ADD, IMAGE, NONE, Architecture, BlockSpec, Row
from models.spaces import Choices, Decision, Space, SpaceError, Step, Sum


@dataclass(frozen=True)
class CellSpace(Space, ABC):
    """A space of tied decisions about edges, of one width."""

    @property
    def none(self) -> int:
        """The choice of no edge: that of `none`, or one more than there are operations, which no
        probability is ever for."""
        ops = self.operations
        return ops.index(NONE) if NONE in ops else len(ops)

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        offered = super().mask
        return np.pad(offered, ((0, 0), (0, self._options - offered.shape[1])))

    @property
    def _options(self) -> int:
        return max(len(self.operations), self.none + 1)

    def operation(self, choice: int) -> str:
        return NONE if choice == self.none else self.operations[choice]

    def instances(self, decision: int) -> list[list[Decision]]:
        places = [step for step in self.steps if isinstance(step, Decision)]
        pairs = zip(places, self.numbers, strict=True)
        return [[place for place, number in pairs if number == decision]]

    def canonical(self, choices: Sequence[int]) -> Choices:
        """Equal networks get equal choices, and every choice a network in which the image reaches
        the classes. Raises SpaceError as that of a chain does."""
        self._check(choices)
        return self._settled(tuple(choices))

    @abstractmethod
    def _settled(self, choices: Choices) -> Choices:
        """The rules of the space; keeps what it gave."""

    def architecture(self, choices: Sequence[int]) -> Architecture:
        """The network that `choices` describe: the rows that reach the end, skips among them."""
        choices, numbers = self.canonical(choices), iter(self.numbers)
        return self._network(wired(self.steps, lambda _: self.operation(choices[next(numbers)])))

    def choices(self, architecture: Architecture) -> Choices:
        """Canonical choices of an architecture of this space, its skips listed.

        Raises SpaceError where the architecture is none of this space.
        """
        found = {row.place: row.block.op for row in architecture.rows}
        indices = {op: index for index, op in enumerate(self.operations)} | {NONE: self.none}
        chosen = []
        for decision in range(len(self.decisions)):
            (places,) = self.instances(decision)
            ops = [found[place.place] for place in places if place.place in found]
            chosen.append(indices.get(ops[0] if ops else NONE, -1))
        if min(chosen) >= 0 and self.architecture(chosen).key == architecture.key:
            return self.canonical(chosen)
        raise SpaceError(f"the architecture {architecture.key} is not one of this space")


def wired(steps: Sequence[Step], operation_of: Callable[[Decision], str]) -> tuple[Row, ...]:
    """The rows that steps become by the operation of every decision, without dead branches."""
    names: dict[str, str | None] = {IMAGE: IMAGE}  # of a step → of the row that stands for it
    rows: list[Row] = []
    for step in steps:
        read = [names[place] for place in step.inputs]
        live = tuple(name for name in read if name is not None)
        added: list[Row] = []
        if isinstance(step, Sum):
            added = _additions(step, live)
        elif isinstance(step, Decision):
            op = operation_of(step)
            if live and op != NONE:
                added = [Row(step.place, step.block(op), True, live)]
        elif len(live) == len(read):
            added = [Row(step.place, step.block, step.searched, live)]
        rows += added
        alone = live[0] if live and isinstance(step, Sum) else None
        names[step.place] = added[-1].place if added else alone
    return _reaching_the_end(rows)


def _additions(step: Sum, live: Sequence[str]) -> list[Row]:
    """What is added, two at a time; nothing where there is only one."""
    rows: list[Row] = []
    for number, other in enumerate(live[1:], 2):
        total = rows[-1].place if rows else live[0]
        rows.append(Row(f"{step.place}+{number}", step.block, True, (total, other)))
    return rows


def _reaching_the_end(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Compiled runtimes do not execute what nobody reads: it has no price."""
    read = {rows[-1].place}
    kept: list[Row] = []
    for row in reversed(rows):
        if row.place in read:
            read.update(row.inputs)
            kept.append(row)
    return tuple(reversed(kept))


def joined(node: str, place: BlockSpec, edges: Sequence[Decision], live: int) -> list[Step]:
    """The edges of a node of which at most `live` are alive at once, and their sum, in the geometry
    of `place`. `live` edges take `live` - 1 additions: each brings its share of them."""
    add = replace(place, op=ADD)
    shared = [replace(edge, joins=(add, (live - 1) / live)) for edge in edges]
    return [*shared, Sum(node, add, tuple(edge.place for edge in edges))]
