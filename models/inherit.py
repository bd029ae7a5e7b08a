"""A stand-alone network that starts from the weights it has in a supernet."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from edge.spec import BlockSpec
from models.network import network
from models.spaces import Space
from models.supernet import SharedKernels, Supernet, convolutions


@torch.no_grad()
def inherit(supernet: Supernet, space: Space, choices: Sequence[int]) -> nn.Sequential:
    """The network that `choices` describe: its weights are copies of those that `supernet`, of
    the same `space`, runs for them. Raises SpaceError where the choices do not fit.

    The statistics of BatchNorms are copied too, but they are a mean over many architectures:
    train the network, or estimate them anew (models.norms), before it is judged.
    """
    architecture = space.architecture(choices)
    net = network(architecture)
    for row, block in zip(architecture.canonical().rows, net, strict=True):
        step = supernet.at(row.place)
        if step is not None:
            _inherit(block, step.shared(row.block), row.block)
    return net


def _inherit(block: nn.Module, shared: SharedKernels, spec: BlockSpec) -> None:
    for conv, kernel in zip(convolutions(block), shared.kernels_of(spec), strict=True):
        conv.weight.copy_(kernel)
    own = block.state_dict()  # the kernels
    block.load_state_dict({**own, **shared.block(spec).state_dict()})
