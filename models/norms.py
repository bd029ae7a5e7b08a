"""BatchNorm statistics of networks whose weights many architectures share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def norms(module: nn.Module) -> list[nn.BatchNorm2d]:
    """Every BatchNorm inside `module`."""
    return [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]


@contextmanager
def frozen_statistics(module: nn.Module) -> Iterator[None]:
    """Batches are normalised by their own statistics, and the running ones stay as they are."""
    training = module.training
    layers = norms(module)
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    module.train()
    try:
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        module.train(training)


@torch.no_grad()
def reestimate(
    module: nn.Module, forward: Callable[[Tensor], object], batches: Iterable[Tensor]
) -> None:
    """Set the running statistics to the plain mean over `batches`, then evaluation mode.

    Shared weights have seen the statistics of every path; an architecture must be judged with
    its own.
    """
    layers = norms(module)
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # cumulative mean
    module.train()
    for batch in batches:
        forward(batch)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    module.eval()
