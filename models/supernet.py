"""Shared weights for every architecture of a space; runs one path at a time.

Inside a decision all MBConv candidates share one set of weights: a 3×3 kernel is the centre
of the largest one, a smaller expansion is a prefix of the channels; BatchNorms are their own
(Cai et al., 2020, once-for-all; Stamoulis et al., 2019, single-path NAS). The last BatchNorm
of a residual branch starts small but not at zero: zero hides the differences between the
operations, one makes skip look hopeless.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edge.spec import BlockSpec, Row
from models.blocks import activation, build, set_last_gamma
from models.depthwise import depthwise
from models.spaces import Space, SpaceError

# Per decision: the operations to run and the gate of each; None runs one operation as it is.
Selection: TypeAlias = Sequence[Sequence[tuple[int, Tensor | None]]]

LAST_GAMMA = 0.3
_MBCONV = re.compile(r"mbconv_k(\d+)_e(\d+)")


def single(choices: Sequence[int]) -> Selection:
    """The selection that runs exactly `choices`."""
    return [[(index, None)] for index in choices]


def by_weights(candidates: Sequence[BlockSpec]) -> tuple[list[BlockSpec], list[BlockSpec]]:
    """The candidates of one decision that share weights, and those that have their own."""
    shared = [spec for spec in candidates if _MBCONV.fullmatch(spec.op) and spec.residual]
    return shared, [spec for spec in candidates if spec not in shared]


class SharedMBConv(nn.Module):
    """All residual MBConv candidates of one decision in the weights of the largest."""

    def __init__(self, specs: Sequence[BlockSpec]) -> None:
        super().__init__()
        self.sizes = {spec.op: _sizes(spec.op) for spec in specs}
        channels = specs[0].in_channels
        kernel = max(k for k, _ in self.sizes.values())
        middle = channels * max(e for _, e in self.sizes.values())
        self.channels = channels
        self.expand = nn.Conv2d(channels, middle, 1, bias=False)
        self.depthwise = nn.Conv2d(middle, middle, kernel, groups=middle, bias=False)
        self.project = nn.Conv2d(middle, channels, 1, bias=False)
        self.norms = nn.ModuleDict(
            {op: self._norms(channels, channels * e) for op, (_, e) in self.sizes.items()}
        )
        self.act = activation(specs[0].act)

    @staticmethod
    def _norms(channels: int, middle: int) -> nn.ModuleList:
        last = nn.BatchNorm2d(channels)
        nn.init.constant_(last.weight, LAST_GAMMA)
        return nn.ModuleList([nn.BatchNorm2d(middle), nn.BatchNorm2d(middle), last])

    def kernels(self, op: str) -> tuple[Tensor, Tensor, Tensor]:
        """Views of the weights that `op` uses: expansion, depthwise, projection."""
        kernel, expansion = self.sizes[op]
        middle = self.channels * expansion
        crop = (self.depthwise.kernel_size[0] - kernel) // 2
        window = slice(crop, crop + kernel)
        return (
            self.expand.weight[:middle],
            self.depthwise.weight[:middle, :, window, window],
            self.project.weight[:, :middle],
        )

    def norms_of(self, op: str) -> nn.ModuleList:
        """The three BatchNorms of `op`, in the order of `kernels`."""
        norms = self.norms[op]
        assert isinstance(norms, nn.ModuleList)
        return norms

    def forward(self, x: Tensor, op: str) -> Tensor:
        first, second, last = self.norms_of(op)
        expand, kernel, project = self.kernels(op)
        y = self.act(first(F.conv2d(x, expand)))  # (B, e·C, H, W)
        y = self.act(second(depthwise(y, kernel)))
        branch: Tensor = last(F.conv2d(y, project))  # (B, C, H, W)
        return x + branch


class SharedDecision(nn.Module):
    """Every candidate of one decision; residual MBConvs share weights, the others own theirs."""

    def __init__(self, candidates: Sequence[BlockSpec]) -> None:
        super().__init__()
        shared, own = by_weights(candidates)
        self.shared = SharedMBConv(shared) if shared else None
        self.own = nn.ModuleDict({spec.op: build(spec) for spec in own})
        set_last_gamma(self.own, LAST_GAMMA)

    def forward(self, x: Tensor, op: str) -> Tensor:
        if op in self.own:
            y: Tensor = self.own[op](x)
            return y
        assert self.shared is not None
        shared: Tensor = self.shared(x, op)
        return shared


class Supernet(nn.Module):
    """One network that holds every architecture of `space`."""

    def __init__(self, space: Space) -> None:
        super().__init__()
        self.operations = space.operations
        self.decisions = len(space.decisions)
        self.steps = nn.ModuleList(
            build(step.block) if isinstance(step, Row) else SharedDecision(step.candidates)
            for step in space.steps
        )

    def forward(self, x: Tensor, selection: Selection) -> Tensor:
        """Logits (B, classes) of the path(s) that `selection` names, one entry per decision.

        Raises SpaceError where there are more or fewer.
        """
        if len(selection) != self.decisions:
            raise SpaceError(f"{len(selection)} choices for {self.decisions} decisions")
        chosen = iter(selection)
        for step in self.steps:
            x = self._decide(step, x, next(chosen)) if isinstance(step, SharedDecision) else step(x)
        return x

    def _decide(
        self, step: SharedDecision, x: Tensor, options: Sequence[tuple[int, Tensor | None]]
    ) -> Tensor:
        outputs = []
        for index, gate in options:
            y = step(x, self.operations[index])
            outputs.append(y if gate is None else y * gate)
        return torch.stack(outputs).sum(0) if len(outputs) > 1 else outputs[0]


def _sizes(op: str) -> tuple[int, int]:
    """(kernel, expansion) of an MBConv."""
    match = _MBCONV.fullmatch(op)
    assert match is not None, op
    return int(match[1]), int(match[2])
