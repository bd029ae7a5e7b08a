"""Architecture → module, built from the same blocks that were profiled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from edge.spec import Architecture, BlockSpec
from models.blocks import build

Sources: TypeAlias = tuple[int, ...]


class Layer(NamedTuple):
    """A block, and the numbers of the layers before it that it reads; -1 is the image."""

    block: BlockSpec
    sources: Sources


class Wired(nn.Sequential):
    """Modules of which each reads the outputs of some before it; the last one's is the output."""

    def __init__(self, modules: Iterable[nn.Module], sources: Iterable[Sources]) -> None:
        super().__init__(*modules)
        self.sources = tuple(sources)

    def forward(self, x: Tensor) -> Tensor:
        outputs: list[Tensor] = []
        for module, read in zip(self, self.sources, strict=True):
            outputs.append(module(*[x if n < 0 else outputs[n] for n in read]))
        return outputs[-1]


def network(architecture: Architecture) -> nn.Sequential:
    """A stand-alone network (B, C, H, W) → logits (B, classes); identities are left out."""
    layers = layers_of(architecture)
    return joined([build(layer.block) for layer in layers], [layer.sources for layer in layers])


def layers_of(architecture: Architecture) -> tuple[Layer, ...]:
    """What runs, in order."""
    canonical = architecture.canonical()
    pairs = zip(canonical.rows, canonical.sources, strict=True)
    return tuple(Layer(row.block, sources) for row, sources in pairs)


def joined(modules: Sequence[nn.Module], sources: Sequence[Sources]) -> nn.Sequential:
    """One module of many; where none branches they follow one another, and keep nothing."""
    if all(read == (n - 1,) for n, read in enumerate(sources)):
        return nn.Sequential(*modules)
    return Wired(modules, sources)


def chain(block: BlockSpec, copies: int) -> nn.Sequential:
    """`copies` of one block in a row."""
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
