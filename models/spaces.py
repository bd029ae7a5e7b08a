"""Search spaces as data: decisions between fixed rows.

A *choice* is one index per decision: that of an operation for every place where a block is
chosen, in the order of `Space.operations`, then that of a width for every stage whose width is
not fixed.

`Space` itself is a chain; a space whose steps branch (`models.cells`) says differently which
choices are canonical, what probabilities derive, and what rows choices are. All that stages ask of
a space is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from edge.errors import EdgeError
from edge.spec import NONE, SKIP, Architecture, BlockSpec, Row

Choices: TypeAlias = tuple[int, ...]
Widths: TypeAlias = tuple[int, ...]  # channels, one per stage


class SpaceError(EdgeError, ValueError):
    """A space or a choice that does not fit together."""


@dataclass(frozen=True)
class Decision:
    """A place in a stage (counted from 0) where one of several blocks is chosen.

    Places of one `tie` are one decision. `inputs` is that of a row; what is chosen here is added
    to what others bring, and `joins` says of how many additions that is a share.
    """

    place: str
    candidates: tuple[BlockSpec, ...]
    stage: int = 0
    inputs: tuple[str, ...] = ()
    tie: str | None = None
    joins: tuple[BlockSpec, float] | None = None

    def block(self, op: str) -> BlockSpec:
        """The candidate named `op`. Raises SpaceError."""
        for candidate in self.candidates:
            if candidate.op == op:
                return candidate
        raise SpaceError(f"{self.place} has no candidate {op!r}")


@dataclass(frozen=True)
class Sum:
    """Where what several decisions bring is added, two at a time, by `block`: as many additions
    as there are connections, less one."""

    place: str
    block: BlockSpec
    inputs: tuple[str, ...]


Step: TypeAlias = Row | Decision | Sum


@dataclass(frozen=True)
class Space:
    """Fixed rows and decisions in execution order, for every choice of the stages' widths.

    `variants` all have the same steps at different geometries; `decisions` are those of the
    widest. A stage with several `widths` is elastic: its width is a decision too.
    """

    name: str
    input_shape: tuple[int, int, int]  # (C, H, W)
    classes: int
    operations: tuple[str, ...]
    widths: tuple[Widths, ...]  # the options of every stage, ascending
    variants: Mapping[Widths, tuple[Step, ...]]
    decisions: tuple[Decision, ...] = field(init=False)  # of tied ones the first
    numbers: tuple[int, ...] = field(init=False)  # of the decision of every place, in order
    elastic: tuple[int, ...] = field(init=False)  # the stages of more than one width

    def __post_init__(self) -> None:
        decisions, numbers = _untied([step for step in self.steps if isinstance(step, Decision)])
        object.__setattr__(self, "decisions", decisions)
        object.__setattr__(self, "numbers", numbers)
        elastic = tuple(stage for stage, options in enumerate(self.widths) if len(options) > 1)
        object.__setattr__(self, "elastic", elastic)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Those of the widest variant."""
        return self.variants[tuple(options[-1] for options in self.widths)]

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """[decisions, options]: what every decision offers; operations first, then widths."""
        offered = [{block.op for block in d.candidates} for d in self.decisions]
        rows = [[op in ops for op in self.operations] for ops in offered]
        rows += [[True] * len(self.widths[stage]) for stage in self.elastic]
        columns = max(map(len, rows))
        return np.array([row + [False] * (columns - len(row)) for row in rows])

    @property
    def blocks(self) -> tuple[BlockSpec, ...]:
        """Every distinct block that has a price, sorted: candidates, and what joins them."""
        every = {
            block for steps in self.variants.values() for step in steps for block in _priced(step)
        }
        return tuple(sorted(block for block in every if not block.is_identity and block.op != NONE))

    @property
    def glue(self) -> tuple[BlockSpec, ...]:
        """The blocks that have a price and that no decision is about, as often as they occur."""
        return tuple(step.block for step in self.steps if isinstance(step, Row) and step.searched)

    def instances(self, decision: int) -> list[list[Decision]]:
        """The places that one decision, by its number, is about, at every width of its stage."""
        return [[place] for place in self.at_every_width(decision)]

    def at_every_width(self, decision: int) -> list[Decision]:
        """One decision, by its number, at every width of its stage."""
        stage = self.decisions[decision].stage
        found = []
        for width in self.widths[stage]:
            widths = tuple(
                width if s == stage else options[-1] for s, options in enumerate(self.widths)
            )
            steps = [step for step in self.variants[widths] if isinstance(step, Decision)]
            found.append(steps[decision])
        return found

    def widths_of(self, choices: Sequence[int]) -> Widths:
        """The width of every stage."""
        indices = dict(zip(self.elastic, choices[len(self.decisions) :], strict=True))
        return tuple(options[indices.get(stage, 0)] for stage, options in enumerate(self.widths))

    def names(self, choices: Sequence[int]) -> list[str]:
        """What was chosen, for people: operations, then elastic widths."""
        count = len(self.decisions)
        widths = self.widths_of(choices)
        return [
            *map(self.operation, choices[:count]),
            *(f"width_{widths[stage]}" for stage in self.elastic),
        ]

    def operation(self, choice: int) -> str:
        """The operation with this index."""
        return self.operations[choice]

    def architecture(self, choices: Sequence[int]) -> Architecture:
        """The network that `choices` describe, skips at the end of their stage."""
        choices = self.canonical(choices)
        chosen = iter(choices)
        rows = [
            self._row(step, next(chosen)) if isinstance(step, Decision) else step
            for step in self.variants[self.widths_of(choices)]
        ]
        return self._network(row for row in rows if isinstance(row, Row))

    def _network(self, rows: Iterable[Row]) -> Architecture:
        return Architecture(self.name, self.input_shape, self.classes, tuple(rows))

    def _row(self, decision: Decision, index: int) -> Row:
        return Row(decision.place, decision.block(self.operations[index]), searched=True)

    def choices(self, architecture: Architecture) -> Choices:
        """Canonical choices of an architecture of this space, its skips listed or left out.

        Raises SpaceError where the architecture is none of this space.
        """
        chosen = {row.place: row.block.op for row in architecture.rows if row.searched}
        ops = [chosen.get(decision.place, SKIP) for decision in self.decisions]
        widths = self._widths_around(architecture)
        if widths is not None and set(ops) <= set(self.operations):
            indices = [self.widths[stage].index(widths[stage]) for stage in self.elastic]
            choices = self.canonical([*map(self.operations.index, ops), *indices])
            if self.architecture(choices).key == architecture.key:
                return choices
        raise SpaceError(f"the architecture {architecture.key} is not one of this space")

    def _widths_around(self, architecture: Architecture) -> Widths | None:
        """The widths whose fixed rows are those of `architecture`."""
        fixed = tuple(row for row in architecture.rows if not row.searched)
        for widths, steps in self.variants.items():
            if fixed == tuple(step for step in steps if isinstance(step, Row)):
                return widths
        return None

    def canonical(self, choices: Sequence[int]) -> Choices:
        """Equal networks get equal choices: inside a run of one geometry, skips go last.

        Raises SpaceError for too few or too many, or one that is no index of an operation.
        """
        self._check(choices)
        if SKIP not in self.operations:
            return tuple(choices)
        skip = self.operations.index(SKIP)
        count = len(self.decisions)
        ordered: list[int] = []
        for _, run in groupby(
            zip(self._runs(), choices[:count], strict=True), lambda pair: pair[0]
        ):
            ordered += sorted((choice for _, choice in run), key=lambda choice: choice == skip)
        return (*ordered, *choices[count:])

    def derive(self, p: npt.NDArray[np.floating]) -> Choices:
        """The network that probabilities (decisions, options) are most in favour of."""
        return self.canonical(p.argmax(1).tolist())

    def _check(self, choices: Sequence[int]) -> None:
        places = [decision.place for decision in self.decisions]
        options = [self._options] * len(places)
        places += [f"the width of stage {stage + 1}" for stage in self.elastic]
        options += [len(self.widths[stage]) for stage in self.elastic]
        if len(choices) != len(places):
            raise SpaceError(f"{len(choices)} choices for {len(places)} decisions")
        for place, count, index in zip(places, options, choices, strict=True):
            if not 0 <= index < count:
                raise SpaceError(f"choice {index} at {place} is not one of 0 .. {count - 1}")

    @property
    def _options(self) -> int:
        """How many choices a decision about an operation has."""
        return len(self.operations)

    def _runs(self) -> list[int]:
        """A number per decision; equal for neighbours that offer the same blocks."""
        run, numbers = 0, []
        before: Step | None = None
        for step in self.steps:
            if isinstance(step, Decision):
                alike = isinstance(before, Decision) and before.candidates == step.candidates
                run += not alike
                numbers.append(run)
            before = step
        return numbers

    def drawn(self, shares: npt.NDArray[np.floating], rng: np.random.Generator) -> Choices:
        """A random one whose options have these `shares` [decisions, options]; rows sum to one."""
        return self.canonical([int(rng.choice(len(row), p=row)) for row in shares])

    def random(self, rng: np.random.Generator) -> Choices:
        """Uniform over the candidates of every decision."""
        offered = [np.flatnonzero(row) for row in self.mask]
        return self.canonical([int(rng.choice(options)) for options in offered])


def _untied(places: Sequence[Decision]) -> tuple[tuple[Decision, ...], tuple[int, ...]]:
    """The different decisions, and the number of that of every place."""
    decisions: list[Decision] = []
    numbers: list[int] = []
    known: dict[str, int] = {}
    for place in places:
        number = len(decisions) if place.tie is None else known.get(place.tie, len(decisions))
        if number == len(decisions):
            decisions.append(place)
            if place.tie is not None:
                known[place.tie] = number
        numbers.append(number)
    return tuple(decisions), tuple(numbers)


def _priced(step: Step) -> Sequence[BlockSpec]:
    """The blocks of a step whose price is not that of the fixed layers."""
    if isinstance(step, Decision):
        return step.candidates
    return [step.block] if isinstance(step, Sum) or step.searched else []


def after(block: BlockSpec, op: str, out: int, stride: int) -> BlockSpec:
    """A block whose input is the output of `block`."""
    size = (block.out_height, block.out_width)
    return BlockSpec(op, block.out_channels, out, *size, stride, block.act)
