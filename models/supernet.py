"""Shared weights for every architecture of a space; runs one path at a time.

Blocks that do the same kind of thing at one step of the network share one set of kernels, those
of the largest of them: a 3×3 kernel is the centre of the largest one, a smaller expansion or
width is a prefix of the channels; BatchNorms are their own (Cai et al., 2020, once-for-all;
Stamoulis et al., 2019, single-path NAS). The last BatchNorm of a residual branch starts small but
not at zero: zero hides the differences between the operations, one makes skip look hopeless.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

import torch
from torch import Tensor, nn

from edge.spec import IMAGE, NONE, BlockSpec, Row
from models.blocks import build, set_last_gamma
from models.spaces import Decision, Space, SpaceError, Step, Sum

# Per decision: the options to run and the gate of each; None runs one option as it is.
Selection: TypeAlias = Sequence[Sequence[tuple[int, Tensor | None]]]

LAST_GAMMA = 0.3
_EXPANDING = re.compile(r"(mbconv|fused)_k\d+_e\d+")


def single(choices: Sequence[int]) -> Selection:
    """The selection that runs exactly `choices`."""
    return [[(index, None)] for index in choices]


def weight_sets(specs: Sequence[BlockSpec]) -> list[list[BlockSpec]]:
    """The blocks of one step that share kernels, set by set: all residual MBConvs, all residual
    fused ones, and each other operation at all its widths."""
    sets: dict[str, list[BlockSpec]] = {}
    for spec in specs:
        kind = _EXPANDING.fullmatch(spec.op) if spec.residual else None
        sets.setdefault(kind[1] if kind else spec.op, []).append(spec)
    return list(sets.values())


class SharedKernels(nn.Module):
    """Blocks whose kernels are slices of those of the largest of them.

    All else, which is BatchNorms and a classifier, belongs to an operation at a width.
    """

    def __init__(self, specs: Sequence[BlockSpec]) -> None:
        super().__init__()
        self._shapes: dict[BlockSpec, list[torch.Size]] = {}
        self.blocks = nn.ModuleDict()
        for spec in dict.fromkeys(specs):
            block = build(spec)
            self._shapes[spec] = [conv.weight.shape for conv in convolutions(block)]
            if _name(spec) not in self.blocks:
                self.blocks[_name(spec)] = block
        largest = [
            tuple(map(max, zip(*shapes, strict=True)))
            for shapes in zip(*self._shapes.values(), strict=True)
        ]
        self.kernels = nn.ParameterList(_initial(shape) for shape in largest)
        for block in self.blocks.values():
            for conv in convolutions(block):
                del conv.weight  # it is lent one for every run
        set_last_gamma(self.blocks, LAST_GAMMA)

    def block(self, spec: BlockSpec) -> nn.Module:
        """What runs `spec`, without kernels."""
        return self.blocks[_name(spec)]

    def kernels_of(self, spec: BlockSpec) -> list[Tensor]:
        """Views of the kernels that `spec` uses, in the order of its convolutions."""
        return [
            _slice(kernel, shape)
            for kernel, shape in zip(self.kernels, self._shapes[spec], strict=True)
        ]

    def forward(self, x: Tensor, spec: BlockSpec, *others: Tensor) -> Tensor:
        """What `spec` makes of `x`, and of `others` where it reads several."""
        block = self.block(spec)
        with _lent(block, self.kernels_of(spec)):
            y: Tensor = block(x, *others)
        return y


class SharedStep(nn.Module):
    """One step of the network: every block that any architecture may have there."""

    def __init__(self, specs: Sequence[BlockSpec]) -> None:
        super().__init__()
        sets = weight_sets(specs)
        self.sets = nn.ModuleList(map(SharedKernels, sets))
        self._set_of = {spec: number for number, one in enumerate(sets) for spec in one}

    def shared(self, spec: BlockSpec) -> SharedKernels:
        """The set that `spec` is in."""
        found = self.sets[self._set_of[spec]]
        assert isinstance(found, SharedKernels)
        return found

    def forward(self, x: Tensor, spec: BlockSpec, *others: Tensor) -> Tensor:
        y: Tensor = self.shared(spec)(x, spec, *others)
        return y


class Supernet(nn.Module):
    """One network that holds every architecture of `space`."""

    def __init__(self, space: Space) -> None:
        super().__init__()
        self.space = space
        self.steps = nn.ModuleList(
            SharedStep([spec for step in steps for spec in _specs(step)])
            for steps in zip(*space.variants.values(), strict=True)
        )
        self._read = {place for step in space.steps for place in step.inputs}

    def at(self, place: str) -> SharedStep | None:
        """The step of this name; None where nothing has weights: an addition."""
        for step, shared in zip(self.space.steps, self.steps, strict=True):
            if step.place == place and not isinstance(step, Sum):
                assert isinstance(shared, SharedStep)
                return shared
        return None

    def forward(self, x: Tensor, selection: Selection) -> Tensor:
        """Logits (B, classes) of the path(s) that `selection` names, one entry per decision.

        Raises SpaceError where there are more or fewer, where a width is not a single one, or
        where nothing reaches the end, which happens to choices that are not canonical.
        """
        space = self.space
        count = len(space.decisions)
        if len(selection) != count + len(space.elastic):
            raise SpaceError(f"{len(selection)} choices for {count + len(space.elastic)} decisions")
        widths = space.widths_of([*[0] * count, *map(_one, selection[count:])])
        numbers = iter(space.numbers)
        named: dict[str, Tensor | None] = {IMAGE: x}
        y: Tensor | None = x
        for shared, step in zip(self.steps, space.variants[widths], strict=True):
            inputs = [named[place] for place in step.inputs] or [y]
            if isinstance(step, Decision):
                y = self._decide(shared, step, inputs[0], selection[next(numbers)])
            elif isinstance(step, Sum):
                y = _sum(inputs)
            else:
                y = _fixed(shared, step, inputs)
            if step.place in self._read:
                named[step.place] = y
        assert y is not None  # _fixed has refused it
        return y

    def _decide(
        self,
        shared: nn.Module,
        step: Decision,
        x: Tensor | None,
        options: Sequence[tuple[int, Tensor | None]],
    ) -> Tensor | None:
        """None where there is nothing to read, or no connection."""
        if x is None:
            return None
        outputs = []
        for index, gate in options:
            op = self.space.operation(index)
            if op != NONE or gate is not None:
                y = shared(x, step.block(op))
                outputs.append(y if gate is None else y * gate)
        return _sum(outputs)


def _sum(outputs: Sequence[Tensor | None]) -> Tensor | None:
    """Of those that there are; None where there are none."""
    found = [y for y in outputs if y is not None]
    if len(found) < 2:
        return found[0] if found else None
    return torch.stack(found).sum(0)


def _fixed(shared: nn.Module, row: Row, inputs: Sequence[Tensor | None]) -> Tensor:
    found = [y for y in inputs if y is not None]
    if len(found) < len(inputs):
        raise SpaceError(f"nothing reaches {row.place}: run canonical choices (Space.canonical)")
    y: Tensor = shared(found[0], row.block, *found[1:])
    return y


def convolutions(block: nn.Module) -> list[nn.Conv2d]:
    """The convolutions inside `block`, in the order in which they run."""
    return [part for part in block.modules() if isinstance(part, nn.Conv2d)]


def _specs(step: Step) -> Sequence[BlockSpec]:
    """The blocks of a step that may have weights."""
    if isinstance(step, Decision):
        return step.candidates
    return [] if isinstance(step, Sum) else [step.block]


def _one(options: Sequence[tuple[int, Tensor | None]]) -> int:
    index, gate = options[0]
    if len(options) > 1 or gate is not None:
        raise SpaceError(
            "a stage runs at one width at a time, without a gate: with elastic widths use "
            "search.estimator: reinforce-cv"
        )
    return index


def _name(spec: BlockSpec) -> str:
    """What owns norms: an operation at a width. Two inputs of a transition share them."""
    return f"{spec.op}_{spec.out_channels}"


def _initial(shape: Sequence[int]) -> nn.Parameter:
    """As a convolution of PyTorch starts."""
    return nn.Parameter(nn.init.kaiming_uniform_(torch.empty(*shape), a=math.sqrt(5)))


def _slice(kernel: Tensor, shape: torch.Size) -> Tensor:
    """The first channels and the centre of a kernel (O, I, K, K)."""
    out, into, size, _ = shape
    crop = (kernel.shape[-1] - size) // 2
    window = slice(crop, crop + size)
    return kernel[:out, :into, window, window]


@contextmanager
def _lent(block: nn.Module, kernels: Sequence[Tensor]) -> Iterator[None]:
    """Run with other weights: a convolution takes whatever it finds as its `weight`."""
    convs = convolutions(block)
    for conv, kernel in zip(convs, kernels, strict=True):
        object.__setattr__(conv, "weight", kernel)
    try:
        yield
    finally:
        for conv in convs:
            object.__delattr__(conv, "weight")
