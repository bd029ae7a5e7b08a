"""Hand-designed networks that a family is compared with."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from models.blocks import conv


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
