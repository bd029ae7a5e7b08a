from dataclasses import replace

import torch
from torch import nn

from edge.spec import BlockSpec
from models import blocks
from models.network import Layer
from pipeline.seeds import generator
from pipeline.untrained.weights import randomise, untrained


def test_random_weights_shift_and_keep_the_scale():
    block = BlockSpec("mbconv_k3_e6", 16, 16, 14, 14)
    module = randomise(nn.Sequential(*[blocks.build(block)] * 9), generator(0))
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
    assert all(norm.bias.abs().min() > 0 for norm in norms)
    with torch.no_grad():
        y = module.eval()(torch.randn(1, 16, 14, 14, generator=generator(1)))
    assert 0.1 < float(y.std()) < 1e6


def test_equal_generators_give_equal_weights():
    one, other = (
        randomise(blocks.build(BlockSpec("mbconv_k5_e3", 4, 4, 4, 4)), generator(0)).state_dict()
        for _ in range(2)
    )
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_equal_blocks_have_different_weights_and_always_the_same():
    """A converter would run two that read the same only once."""
    block = BlockSpec("relu_conv_k3", 4, 4, 4, 4)
    layers = [Layer(block, (-1,)), Layer(block, (-1,)), Layer(replace(block, op="add"), (0, 1))]
    one, two, _ = (part.state_dict() for part in untrained(layers))
    again = untrained(layers)[1].state_dict()
    assert not torch.equal(one["1.weight"], two["1.weight"])
    assert all(torch.equal(two[name], again[name]) for name in two)
