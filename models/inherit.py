"""A stand-alone network that starts from the weights it has in a supernet."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from edge.spec import Row
from models.blocks import Residual
from models.network import network
from models.spaces import Space
from models.supernet import SharedDecision, SharedMBConv, Supernet


@torch.no_grad()
def inherit(supernet: Supernet, space: Space, choices: Sequence[int]) -> nn.Sequential:
    """The network that `choices` describe: its weights are copies of those that `supernet`, of
    the same `space`, runs for them. Raises SpaceError where the choices do not fit.

    The statistics of BatchNorms are copied too, but they are a mean over many architectures:
    train the network, or estimate them anew (models.norms), before it is judged.
    """
    net = network(space.architecture(choices))
    blocks, chosen = iter(net), iter(space.canonical(choices))
    for step, shared in zip(space.steps, supernet.steps, strict=True):
        if isinstance(step, Row):
            next(blocks).load_state_dict(shared.state_dict())
            continue
        op = space.operations[next(chosen)]
        if not step.block(op).is_identity:  # identities are no block of the network
            assert isinstance(shared, SharedDecision)
            _inherit_block(next(blocks), shared, op)
    return net


def _inherit_block(block: nn.Module, decision: SharedDecision, op: str) -> None:
    if op in decision.own:
        block.load_state_dict(decision.own[op].state_dict())
        return
    assert isinstance(block, Residual)
    assert decision.shared is not None
    _inherit_mbconv(block.branch, decision.shared, op)


def _inherit_mbconv(branch: nn.Sequential, shared: SharedMBConv, op: str) -> None:
    convs = [layer for layer in branch if isinstance(layer, nn.Conv2d)]
    norms = [layer for layer in branch if isinstance(layer, nn.BatchNorm2d)]
    for conv, kernel in zip(convs, shared.kernels(op), strict=True):
        conv.weight.copy_(kernel)
    for norm, own in zip(norms, shared.norms_of(op), strict=True):
        norm.load_state_dict(own.state_dict())
