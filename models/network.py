"""Architecture → module, built from the same blocks that were profiled."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edge.spec import Architecture, BlockSpec
from models.blocks import build


def network(architecture: Architecture) -> nn.Sequential:
    """A stand-alone network (B, C, H, W) → logits (B, classes); identities are left out."""
    rows = architecture.canonical().rows
    return nn.Sequential(*(build(row.block) for row in rows))


def chain(block: BlockSpec, copies: int) -> nn.Sequential:
    """`copies` of one block in a row, as they are profiled."""
    return nn.Sequential(*(build(block) for _ in range(copies)))


@torch.no_grad()
def count(module: nn.Module, input_shape: tuple[int, int, int]) -> tuple[int, int]:
    """(multiply-accumulates, parameters) of `module` on one input (C, H, W)."""
    macs = 0

    def add_macs(layer: nn.Module, _inputs: object, output: Tensor) -> None:
        nonlocal macs
        weight = layer.weight
        assert isinstance(weight, Tensor)
        positions = output[0, 0].numel() if output.dim() == 4 else 1
        macs += weight.numel() * positions

    layers = [m for m in module.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    handles = [layer.register_forward_hook(add_macs) for layer in layers]
    training = module.training
    try:
        module.eval()(torch.zeros(1, *input_shape))
    finally:
        module.train(training)
        for handle in handles:
            handle.remove()
    return macs, sum(p.numel() for p in module.parameters())
