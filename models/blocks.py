"""BlockSpec → module: the blocks that are searched, profiled, trained and deployed.

Every block ends in a BatchNorm, ``last_norm``, so that a supernet can start its residual
branches small; blocks that keep their geometry add their input (BlockSpec.residual).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import torch
from torch import Tensor, nn

from edge.errors import EdgeError
from edge.spec import SKIP, BlockSpec
from models.depthwise import DepthwiseConv2d
from models.pointwise import PointwiseConv2d
from models.registry import Registry

Builder: TypeAlias = Callable[..., nn.Module]

ACTIVATIONS: dict[str, Callable[..., nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "hardswish": nn.Hardswish,
}
_OPERATIONS: Registry[Builder] = Registry("operation")


class UnknownOperation(EdgeError, KeyError):
    """No builder understands the name of an operation."""


def operation(pattern: str) -> Callable[[Builder], Builder]:
    """Register a builder for the operations whose name matches `pattern`.

    The groups of the pattern are whole numbers, passed to the builder after the spec.
    """
    return _OPERATIONS.register(pattern)


def build(spec: BlockSpec) -> nn.Module:
    """A module (B, C, H, W) → (B, C', H', W') for `spec`. Raises UnknownOperation."""
    for pattern, builder in _OPERATIONS.items():
        if match := re.fullmatch(pattern, spec.op):
            return builder(spec, *map(int, match.groups()))
    known = ", ".join(_OPERATIONS)
    raise UnknownOperation(f"unknown operation {spec.op!r}; names match one of: {known}")


def activation(name: str, *, inplace: bool = True) -> nn.Module:
    """A new activation module; not `inplace` where others read its input too.

    Raises UnknownOperation.
    """
    if name not in ACTIVATIONS:
        raise UnknownOperation(f"unknown activation {name!r}; known: {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name](inplace=inplace)


def conv(cin: int, cout: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A dense convolution without bias whose output is ceil(input / stride) pixels wide."""
    if kernel == 1 and stride > 1:
        return PointwiseConv2d(cin, cout, stride)
    return nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=False)


class Residual(nn.Module):
    """A branch ending in `last_norm`, plus the input where the geometry allows it."""

    def __init__(self, branch: nn.Sequential, last_norm: nn.BatchNorm2d, residual: bool) -> None:
        super().__init__()
        self.branch, self.last_norm, self.residual = branch, last_norm, residual

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.branch(x)
        return x + y if self.residual else y


@operation(r"conv_k(\d+)")
def dense(spec: BlockSpec, kernel: int) -> nn.Module:
    """Dense convolution, BatchNorm, activation."""
    norm = nn.BatchNorm2d(spec.out_channels)
    layer = conv(spec.in_channels, spec.out_channels, kernel, spec.stride)
    return Residual(nn.Sequential(layer, norm, activation(spec.act)), norm, spec.residual)


@operation(r"sep_k(\d+)")
def separable(spec: BlockSpec, kernel: int) -> nn.Module:
    """Depthwise convolution, then 1×1 with a linear output (MobileNetV2, expansion 1)."""
    cin, norm = spec.in_channels, nn.BatchNorm2d(spec.out_channels)
    branch = nn.Sequential(
        DepthwiseConv2d(cin, kernel, spec.stride),
        nn.BatchNorm2d(cin),
        activation(spec.act),
        conv(cin, spec.out_channels, 1),
        norm,
    )
    return Residual(branch, norm, spec.residual)


@operation(r"mbconv_k(\d+)_e(\d+)")
def mbconv(spec: BlockSpec, kernel: int, expansion: int) -> nn.Module:
    """Inverted residual: 1×1 expansion, depthwise, linear 1×1 (Sandler et al., 2018)."""
    cin, mid = spec.in_channels, spec.in_channels * expansion
    norm = nn.BatchNorm2d(spec.out_channels)
    branch = nn.Sequential(
        conv(cin, mid, 1),
        nn.BatchNorm2d(mid),
        activation(spec.act),
        DepthwiseConv2d(mid, kernel, spec.stride),
        nn.BatchNorm2d(mid),
        activation(spec.act),
        conv(mid, spec.out_channels, 1),
        norm,
    )
    return Residual(branch, norm, spec.residual)


@operation(r"fused_k(\d+)_e(\d+)")
def fused(spec: BlockSpec, kernel: int, expansion: int) -> nn.Module:
    """Fused inverted residual: a dense expansion, linear 1×1 (Gupta and Akin, 2020; Tan and Le,
    2021, EfficientNetV2): more MACs than `mbconv`, and faster where dense convolutions are."""
    cin, mid = spec.in_channels, spec.in_channels * expansion
    norm = nn.BatchNorm2d(spec.out_channels)
    branch = nn.Sequential(
        conv(cin, mid, kernel, spec.stride),
        nn.BatchNorm2d(mid),
        activation(spec.act),
        conv(mid, spec.out_channels, 1),
        norm,
    )
    return Residual(branch, norm, spec.residual)


@operation(SKIP)
def skip(spec: BlockSpec) -> nn.Module:
    """Nothing at all where the geometry stays; at stride 2 a factorised reduction."""
    if spec.residual:
        return nn.Identity()
    if spec.stride == 2:
        return build(replace(spec, op="reduce"))
    raise UnknownOperation(f"skip cannot change the geometry: {spec.key}")


@operation(r"head_(\d+)")
def head(spec: BlockSpec, features: int) -> nn.Module:
    """1×1 convolution to `features`, global average, linear classifier: (B, out_channels)."""
    return nn.Sequential(
        conv(spec.in_channels, features, 1),
        nn.BatchNorm2d(features),
        activation(spec.act),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(features, spec.out_channels),
    )


def set_last_gamma(module: nn.Module, gamma: float) -> None:
    """Scale of the residual branches inside `module` at the start of training."""
    for part in module.modules():
        if isinstance(part, Residual) and part.residual:
            torch.nn.init.constant_(part.last_norm.weight, gamma)


from models import cell_blocks as _cell_blocks  # noqa: E402, F401  (registers its operations)
