"""Weights of networks that nobody trains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from torch import nn

from edge.spec import BlockSpec
from models import blocks as block_modules
from models.network import Layer, joined
from pipeline.seeds import generator


def untrained(layers: Sequence[Layer]) -> nn.Sequential:
    """The model of these layers. Equal blocks have different weights: converters run two that read
    the same and have the same weights only once."""
    copies: Counter[BlockSpec] = Counter()
    modules = []
    for block, _ in layers:
        modules.append(random_block(block, copies[block]))
        copies[block] += 1
    return joined(modules, [layer.sources for layer in layers])


def random_block(block: BlockSpec, copy: int = 0) -> nn.Module:
    """The n-th of equal blocks, with its own weights."""
    return randomise(block_modules.build(block), generator(0, block.key, copy))


@torch.no_grad()
def randomise(module: nn.Module, random: torch.Generator) -> nn.Module:
    """Give `module`, in place, weights that keep the scale of its activations.

    A fresh BatchNorm shifts nothing, so that the exporter would leave out the biases that the
    same network has once it is trained.
    """
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight, generator=random)
            if part.bias is not None:
                nn.init.normal_(part.bias, std=0.1, generator=random)
        elif isinstance(part, nn.BatchNorm2d):
            assert part.running_mean is not None
            assert part.running_var is not None
            nn.init.uniform_(part.weight, 0.5, 1.5, generator=random)
            nn.init.normal_(part.bias, std=0.1, generator=random)
            nn.init.normal_(part.running_mean, std=0.1, generator=random)
            nn.init.uniform_(part.running_var, 0.5, 1.5, generator=random)
    return module
