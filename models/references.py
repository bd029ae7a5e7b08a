"""Hand-designed networks that a family is compared with."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from models.blocks import Residual, conv
from models.depthwise import DepthwiseConv2d


class _Basic(nn.Module):
    """Two 3×3 convolutions and a shortcut (He et al., 2016), 1×1 where the shape changes."""

    def __init__(self, cin: int, cout: int, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            conv(cin, cout, 3, stride),
            nn.BatchNorm2d(cout),
            nn.ReLU(inplace=True),
            conv(cout, cout, 3),
            nn.BatchNorm2d(cout),
        )
        changes = stride != 1 or cin != cout
        self.shortcut = (
            nn.Sequential(conv(cin, cout, 1, stride), nn.BatchNorm2d(cout))
            if changes
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.branch(x) + self.shortcut(x)
        return nn.functional.relu(y)


def resnet8(channels: int, classes: int, width: int = 16) -> nn.Module:
    """ResNet-8 of MLPerf Tiny's image classification (Banbury et al., 2021).

    Three stages of one basic block with `width`, 2·`width` and 4·`width` channels, full
    resolution first. Convolutions have a BatchNorm instead of a bias, shortcuts too.
    """
    return nn.Sequential(
        conv(channels, width, 3),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        _Basic(width, width, 1),
        _Basic(width, 2 * width, 2),
        _Basic(2 * width, 4 * width, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4 * width, classes),
    )


def plain_cnn(channels: int, classes: int, width: int = 16) -> nn.Module:
    """Three 3×3 convolutions of stride 2 with `width`, 2·`width` and 4·`width` channels."""
    widths = [channels, width, 2 * width, 4 * width]
    layers: list[nn.Module] = []
    for cin, cout in pairwise(widths):
        layers += [conv(cin, cout, 3, 2), nn.BatchNorm2d(cout), nn.ReLU(inplace=True)]
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], classes)
    )


_INVERTED = ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2))
"""Expansion, channels, blocks and stride of the first stages of MobileNetV2 (Sandler et al., 2018,
table 2), but for the stride of the second, which is 2 there."""


def mobilenetv2(channels: int, classes: int, width: int = 32) -> nn.Module:
    """MobileNetV2 for images of about 30 pixels, its multiplier given by the `width` of the stem,
    32 for the network of the paper.

    The stages that an image of 224 pixels needs are left out: the last blocks see 4×4 pixels, as
    those of the spaces that are searched here do. Channels are multiples of 4, at least 4.
    """

    def scaled(number: int) -> int:
        return max(4, int(number * width / 32 + 2) // 4 * 4)

    cin = scaled(32)
    layers = _activated(conv(channels, cin, 3, 2))
    for expansion, number, blocks, stride in _INVERTED:
        for block in range(blocks):
            layers.append(_inverted(cin, scaled(number), expansion, stride if block == 0 else 1))
            cin = scaled(number)
    features = 4 * cin
    return nn.Sequential(
        *layers,
        *_activated(conv(cin, features, 1)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(features, classes),
    )


def _inverted(cin: int, cout: int, expansion: int, stride: int) -> nn.Module:
    """Inverted residual with a linear bottleneck; no 1×1 in front where it would not expand."""
    mid, norm = cin * expansion, nn.BatchNorm2d(cout)
    expand = _activated(conv(cin, mid, 1)) if expansion > 1 else []
    branch = nn.Sequential(
        *expand, *_activated(DepthwiseConv2d(mid, 3, stride)), conv(mid, cout, 1), norm
    )
    return Residual(branch, norm, residual=stride == 1 and cin == cout)


def _activated(layer: nn.Conv2d) -> list[nn.Module]:
    return [layer, nn.BatchNorm2d(layer.out_channels), nn.ReLU6(inplace=True)]
