"""What edge counts without torch is what models builds."""

import pytest
from torch import nn

from edge import weights
from edge.spec import BlockSpec
from models.blocks import build

OPS = [
    *("skip", "conv_k1", "conv_k5", "sep_k3", "mbconv_k3_e1", "mbconv_k7_e6", "fused_k3_e2"),
    *("head_24", "relu_conv_k3", "sep_conv_k5", "dil_conv_k3", "avg_pool_k3", "avg_pool_bn_k3"),
    *("max_pool_bn_k3", "reduce", "none", "add", "concat_3", "resnet_k3", "stem_k3"),
    *("mean_head", "norm_head"),
]


@pytest.mark.parametrize("op", OPS)
def test_the_weights_of_every_operation(op):
    out, stride = (8, 2) if op in ("reduce", "resnet_k3") else (4, 1)
    spec = BlockSpec(op, 4, out, 6, 6, stride)
    layers = [m for m in build(spec).modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert weights.of_block(spec.key) == sum(layer.weight.numel() for layer in layers)
