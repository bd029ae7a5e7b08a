import torch
from torch import nn

from edge.spec import BlockSpec
from models import blocks
from models.network import in_a_row
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


def test_equal_blocks_have_equal_weights():
    block, other = BlockSpec("conv_k3", 4, 4, 4, 4), BlockSpec("conv_k1", 4, 4, 4, 4)
    one, _, again = (part.state_dict() for part in untrained(in_a_row([block, other, block])))
    assert all(torch.equal(one[name], again[name]) for name in one)
