"""Search spaces as data: a list of decisions between fixed rows.

A *choice* is one operation index per decision, in the order of `Space.operations`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from edge.errors import EdgeError
from edge.spec import SKIP, Architecture, BlockSpec, Row

Choices: TypeAlias = tuple[int, ...]


class SpaceError(EdgeError, ValueError):
    """A space or a choice that does not fit together."""


@dataclass(frozen=True)
class Decision:
    """A place in the network where one of several blocks is chosen."""

    place: str
    candidates: tuple[BlockSpec, ...]

    def block(self, op: str) -> BlockSpec:
        """The candidate named `op`. Raises SpaceError."""
        for candidate in self.candidates:
            if candidate.op == op:
                return candidate
        raise SpaceError(f"{self.place} has no candidate {op!r}")


@dataclass(frozen=True)
class Space:
    """Fixed rows and decisions in execution order."""

    name: str
    input_shape: tuple[int, int, int]  # (C, H, W)
    classes: int
    operations: tuple[str, ...]
    steps: tuple[Row | Decision, ...]
    decisions: tuple[Decision, ...] = field(init=False)

    def __post_init__(self) -> None:
        decisions = tuple(step for step in self.steps if isinstance(step, Decision))
        object.__setattr__(self, "decisions", decisions)

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """[decisions, operations]: which operations a decision offers."""
        offered = [{block.op for block in d.candidates} for d in self.decisions]
        return np.array([[op in ops for op in self.operations] for ops in offered])

    @property
    def blocks(self) -> tuple[BlockSpec, ...]:
        """Every distinct candidate block that has a price, sorted."""
        every = {block for d in self.decisions for block in d.candidates}
        return tuple(sorted(block for block in every if not block.is_identity))

    def architecture(self, choices: Sequence[int]) -> Architecture:
        """The network that `choices` describe, skips at the end of their stage."""
        chosen = iter(self.canonical(choices))
        rows = [
            step if isinstance(step, Row) else self._row(step, next(chosen)) for step in self.steps
        ]
        return Architecture(self.name, self.input_shape, self.classes, tuple(rows))

    def _row(self, decision: Decision, index: int) -> Row:
        return Row(decision.place, decision.block(self.operations[index]), searched=True)

    def choices(self, architecture: Architecture) -> Choices:
        """Canonical choices of an architecture of this space, its skips listed or left out.

        Raises SpaceError where the architecture is none of this space.
        """
        chosen = {row.place: row.block.op for row in architecture.rows if row.searched}
        ops = [chosen.get(decision.place, SKIP) for decision in self.decisions]
        if set(ops) <= set(self.operations):
            choices = self.canonical([self.operations.index(op) for op in ops])
            if self.architecture(choices).key == architecture.key:
                return choices
        raise SpaceError(f"the architecture {architecture.key} is not one of this space")

    def canonical(self, choices: Sequence[int]) -> Choices:
        """Equal networks get equal choices: inside a run of one geometry, skips go last.

        Raises SpaceError for too few or too many, or one that is no index of an operation.
        """
        self._check(choices)
        if SKIP not in self.operations:
            return tuple(choices)
        skip = self.operations.index(SKIP)
        ordered: list[int] = []
        for _, stage in groupby(zip(self._runs(), choices, strict=True), lambda pair: pair[0]):
            ordered += sorted((choice for _, choice in stage), key=lambda choice: choice == skip)
        return tuple(ordered)

    def _check(self, choices: Sequence[int]) -> None:
        if len(choices) != len(self.decisions):
            raise SpaceError(f"{len(choices)} choices for {len(self.decisions)} decisions")
        last = len(self.operations) - 1
        for decision, index in zip(self.decisions, choices, strict=True):
            if not 0 <= index <= last:
                raise SpaceError(f"choice {index} at {decision.place} is not one of 0 .. {last}")

    def _runs(self) -> list[int]:
        """A number per decision; equal for neighbours that offer the same blocks."""
        run, numbers = 0, []
        before: Row | Decision | None = None
        for step in self.steps:
            if isinstance(step, Decision):
                alike = isinstance(before, Decision) and before.candidates == step.candidates
                run += not alike
                numbers.append(run)
            before = step
        return numbers

    def random(self, rng: np.random.Generator) -> Choices:
        """Uniform over the candidates of every decision."""
        offered = [np.flatnonzero(row) for row in self.mask]
        return self.canonical([int(rng.choice(options)) for options in offered])


def mbconv(
    *,
    input_shape: tuple[int, int, int],
    classes: int,
    operations: Sequence[str],
    stem_width: int,
    stem_stride: int,
    widths: Sequence[int],
    depths: Sequence[int],
    head_width: int,
    act: str,
) -> Space:
    """The edge space: a stem, stages of searched residual blocks, fixed transitions, a head.

    The transitions between stages (dense 3×3, stride 2) are not searched: searching them
    costs the shared weights most of their accuracy. The first stage follows the stem without
    one where their widths agree.
    """
    channels, height, width = input_shape
    place = BlockSpec("conv_k3", channels, stem_width, height, width, stem_stride, act)
    steps: list[Row | Decision] = [Row("stem", place)]
    for stage, (out, depth) in enumerate(zip(widths, depths, strict=True), 1):
        if stage > 1 or out != place.out_channels:
            place = _after(place, "conv_k3", out, 2 if stage > 1 else 1)
            steps.append(Row(f"down{stage}", place))
        place = _after(place, SKIP, out, 1)
        candidates = tuple(_with_op(place, op) for op in operations)
        steps += [Decision(f"stage{stage}.{index}", candidates) for index in range(1, depth + 1)]
    steps.append(Row("head", _after(place, f"head_{head_width}", classes, 1)))
    return Space("mbconv", input_shape, classes, tuple(operations), tuple(steps))


def _after(block: BlockSpec, op: str, out: int, stride: int) -> BlockSpec:
    """A block whose input is the output of `block`."""
    size = (block.out_height, block.out_width)
    return BlockSpec(op, block.out_channels, out, *size, stride, block.act)


def _with_op(block: BlockSpec, op: str) -> BlockSpec:
    size = (block.in_channels, block.out_channels, block.height, block.width)
    return BlockSpec(op, *size, block.stride, block.act)
