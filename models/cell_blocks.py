"""Blocks of cells: operations on their edges, what joins edges, and what stands between cells.

They activate first, so that what several of them read is not changed in place, and add no input
to their output: a cell says itself what is summed (Liu et al., 2019, DARTS; Dong and Yang, 2020,
NAS-Bench-201).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edge.spec import ADD, CONCAT, NONE, BlockSpec
from models.blocks import activation, conv, operation
from models.depthwise import DepthwiseConv2d


def _first(spec: BlockSpec) -> nn.Module:
    return activation(spec.act, inplace=False)


@operation(r"relu_conv_k(\d+)")
def relu_conv(spec: BlockSpec, kernel: int) -> nn.Sequential:
    """Activation, dense convolution, BatchNorm."""
    layer = conv(spec.in_channels, spec.out_channels, kernel, spec.stride)
    return nn.Sequential(_first(spec), layer, nn.BatchNorm2d(spec.out_channels))


@operation(r"sep_conv_k(\d+)")
def sep_conv(spec: BlockSpec, kernel: int) -> nn.Module:
    """DARTS's separable convolution: twice activation, depthwise, 1×1, BatchNorm."""
    cin, cout = spec.in_channels, spec.out_channels
    return nn.Sequential(
        _first(spec),
        DepthwiseConv2d(cin, kernel, spec.stride),
        conv(cin, cin, 1),
        nn.BatchNorm2d(cin),
        activation(spec.act),
        DepthwiseConv2d(cin, kernel),
        conv(cin, cout, 1),
        nn.BatchNorm2d(cout),
    )


@operation(r"dil_conv_k(\d+)")
def dil_conv(spec: BlockSpec, kernel: int) -> nn.Module:
    """DARTS's dilated convolution: activation, depthwise with every second pixel, 1×1,
    BatchNorm."""
    cin = spec.in_channels
    dilated = nn.Conv2d(
        cin, cin, kernel, spec.stride, kernel - 1, dilation=2, groups=cin, bias=False
    )
    norm = nn.BatchNorm2d(spec.out_channels)
    return nn.Sequential(_first(spec), dilated, conv(cin, spec.out_channels, 1), norm)


@operation(r"avg_pool_k(\d+)")
class MeanPool(nn.Module):
    """Mean of the pixels that there are: the border counts none.

    Where a stride of two leaves the last row and column of the border unused, TFLite has no such
    operation: there it is the mean with zeros around, times how much of it is no border. Where it
    leaves nothing, rounding sizes up changes nothing, but lets litert-torch find the operation.
    """

    share: Tensor | None  # (H', W')

    def __init__(self, spec: BlockSpec, kernel: int) -> None:
        super().__init__()
        self.border = kernel // 2
        lopsided = spec.stride == 2 and (spec.height % 2 == 0 or spec.width % 2 == 0)
        padding = 0 if lopsided else self.border
        exact = spec.stride == 2 and not lopsided and (spec.height, spec.width) != (1, 1)
        self.pool = nn.AvgPool2d(
            kernel, spec.stride, padding, ceil_mode=exact, count_include_pad=False
        )
        inside = F.pad(torch.ones(1, 1, spec.height, spec.width), [self.border] * 4)
        share = 1 / self.pool(inside)[0, 0] if lopsided else None
        self.register_buffer("share", share, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.share is None:
            y: Tensor = self.pool(x)
            return y
        y = self.pool(F.pad(x, [self.border] * 4))
        return y * self.share


@operation(r"avg_pool_bn_k(\d+)")
def avg_pool_bn(spec: BlockSpec, kernel: int) -> nn.Module:
    """The same with a BatchNorm, as DARTS searches."""
    return nn.Sequential(MeanPool(spec, kernel), nn.BatchNorm2d(spec.out_channels))


@operation(r"max_pool_bn_k(\d+)")
def max_pool_bn(spec: BlockSpec, kernel: int) -> nn.Module:
    """Maximum, BatchNorm."""
    pool = nn.MaxPool2d(kernel, spec.stride, kernel // 2)
    return nn.Sequential(pool, nn.BatchNorm2d(spec.out_channels))


class ShiftedConv2d(nn.Conv2d):
    """Two 1×1 convolutions of stride 2 side by side, the second a pixel further down and right.

    They run as one of 2×2 whose other weights are zero: no runtime cuts images cheaply (measured:
    a slice takes longer than both convolutions). Beyond the last pixel of odd sides are zeros.
    """

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__(cin, cout, 1, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        first = self.out_channels - self.out_channels // 2
        even, odd = self.weight[:first], self.weight[first:]
        kernel = torch.cat([F.pad(even, (0, 1, 0, 1)), F.pad(odd, (1, 0, 1, 0))])  # (O, I, 2, 2)
        beyond = (0, x.shape[-1] % 2, 0, x.shape[-2] % 2)
        return F.conv2d(F.pad(x, beyond) if any(beyond) else x, kernel, stride=2)


@operation("reduce")
def factorized_reduction(spec: BlockSpec) -> nn.Module:
    """Half the side without losing pixels (DARTS): activation, two 1×1 convolutions, BatchNorm.
    It is what `skip` is at stride 2."""
    layer = ShiftedConv2d(spec.in_channels, spec.out_channels)
    return nn.Sequential(_first(spec), layer, nn.BatchNorm2d(spec.out_channels))


@operation(NONE)
class Zero(nn.Module):
    """Nothing: what an edge that is not there brings, for methods that mix it with others."""

    def __init__(self, spec: BlockSpec) -> None:
        super().__init__()
        self.stride = spec.stride

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x[..., :: self.stride, :: self.stride])


@operation(ADD)
class Add(nn.Module):
    """The sum of two: (B, C, H, W) each. More are added one after the other."""

    def __init__(self, spec: BlockSpec) -> None:
        super().__init__()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


@operation(CONCAT)
class Concat(nn.Module):
    """Several, channel behind channel."""

    def __init__(self, spec: BlockSpec, count: int) -> None:
        super().__init__()

    def forward(self, *parts: Tensor) -> Tensor:
        return torch.cat(parts, 1)


@operation(r"resnet_k(\d+)")
class ResidualReduction(nn.Module):
    """What stands between the stages of NAS-Bench-201: two convolutions with activations before
    them, and a shortcut of 2×2 means and a 1×1 convolution."""

    def __init__(self, spec: BlockSpec, kernel: int) -> None:
        super().__init__()
        cin, cout = spec.in_channels, spec.out_channels
        self.branch = nn.Sequential(
            _first(spec),
            conv(cin, cout, kernel, spec.stride),
            nn.BatchNorm2d(cout),
            activation(spec.act),
            conv(cout, cout, kernel),
            nn.BatchNorm2d(cout),
        )
        odd = spec.height % 2 == 1 or spec.width % 2 == 1
        pool = nn.AvgPool2d(2, 2, ceil_mode=odd, count_include_pad=not odd)
        self.shortcut = nn.Sequential(pool, conv(cin, cout, 1))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.branch(x) + self.shortcut(x)
        return y


@operation(r"stem_k(\d+)")
def stem(spec: BlockSpec, kernel: int) -> nn.Module:
    """Dense convolution, BatchNorm: cells activate what they read."""
    layer = conv(spec.in_channels, spec.out_channels, kernel, spec.stride)
    return nn.Sequential(layer, nn.BatchNorm2d(spec.out_channels))


@operation("mean_head")
def mean_head(spec: BlockSpec) -> nn.Module:
    """Global average, linear classifier: (B, out_channels)."""
    linear = nn.Linear(spec.in_channels, spec.out_channels)
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear)


@operation("norm_head")
def norm_head(spec: BlockSpec) -> nn.Module:
    """BatchNorm, activation, global average, linear classifier: (B, out_channels)."""
    return nn.Sequential(
        nn.BatchNorm2d(spec.in_channels), activation(spec.act), *mean_head(spec).children()
    )
