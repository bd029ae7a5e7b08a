"""What a hypernetwork may be inside: functions of a simplex point and a price, per logit.

All take (B, k + 1): the point S times k minus one, and the place of log κ in its range, -1..1.
All start at zero everywhere, so that α starts uniform.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeAlias

import torch
from torch import Tensor, nn

from models.registry import Registry

Body: TypeAlias = Callable[..., nn.Module]

BODIES: Registry[Body] = Registry("hypernetwork")
body = BODIES.register  # under the name that `search.hypernet.kind` gives it


@body("mlp")
def mlp(operations: int, outputs: int, *, hidden: Sequence[int], **_: object) -> nn.Module:
    """A small perceptron: smooth, and of full rank."""
    sizes = [operations + 1, *hidden]
    layers: list[nn.Module] = []
    for a, b in pairwise(sizes):
        layers += [nn.Linear(a, b), nn.Tanh()]
    last = nn.Linear(sizes[-1], outputs, bias=False)
    nn.init.zeros_(last.weight)
    return nn.Sequential(*layers, last)


@body("constant")
class Constant(nn.Module):
    """The same for all points and prices: one architecture, as DARTS has it."""

    def __init__(self, operations: int, outputs: int, **_: object) -> None:
        super().__init__()
        self.outputs = outputs

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.new_zeros(len(inputs), self.outputs)


@body("piecewise-linear")
class PiecewiseLinear(nn.Module):
    """Linear in log κ between `knots`; deaf to S (Yakovlev et al., 2021, DARTS-CC)."""

    def __init__(self, operations: int, outputs: int, *, knots: int, **_: object) -> None:
        super().__init__()
        self.tables = nn.Parameter(torch.zeros(knots, outputs))

    def forward(self, inputs: Tensor) -> Tensor:
        last = len(self.tables) - 1
        place = ((inputs[:, -1] + 1) / 2 * last).clamp(0, last)  # in knots
        left = place.floor().clamp(max=last - 1).long()
        share = (place - left)[:, None]
        return (1 - share) * self.tables[left] + share * self.tables[left + 1]


@body("pivots")
class Pivots(nn.Module):
    """A mixture of reference tables r at points p_r, weighted by softmax_r(-|x - p_r|² / width).

    The references stand at the centre and the vertices of the simplex, at both ends of the
    prices; x is (S, half the place of log κ).
    """

    pivots: Tensor

    def __init__(self, operations: int, outputs: int, *, width: float, **_: object) -> None:
        super().__init__()
        centre = torch.full((1, operations), 1 / operations)
        points = torch.cat([centre, torch.eye(operations)])  # (1 + k, k)
        ends = [torch.cat([points, torch.full((len(points), 1), end)], 1) for end in (-0.5, 0.5)]
        self.register_buffer("pivots", torch.cat(ends))  # (2 + 2 k, k + 1)
        self.tables = nn.Parameter(torch.zeros(len(self.pivots), outputs))
        self.width = width

    def forward(self, inputs: Tensor) -> Tensor:
        operations = inputs.shape[1] - 1
        x = torch.cat([(inputs[:, :-1] + 1) / operations, inputs[:, -1:] / 2], 1)
        squares = (x[:, None] - self.pivots).square().sum(-1)  # (B, references)
        return (-squares / self.width).softmax(1) @ self.tables
