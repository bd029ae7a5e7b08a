import pytest
import torch
import torch.nn.functional as F
from torch.fx.experimental.proxy_tensor import make_fx

from models.pointwise import PointwiseConv2d


@pytest.mark.parametrize("channels", [1, 3, 4, 6, 8, 12])
@pytest.mark.parametrize("side", [7, 8])
def test_output_and_gradients_are_those_of_the_plain_layer_in_double_precision(channels, side):
    torch.manual_seed(0)
    layer = PointwiseConv2d(channels, 8, 2)
    x = torch.randn(16, channels, side, side).to(memory_format=torch.channels_last)
    x.requires_grad_()
    exact_x = x.detach().double().requires_grad_()
    exact_weight = layer.weight.detach().double().requires_grad_()
    y, exact = layer(x), F.conv2d(exact_x, exact_weight, stride=2)
    upstream = torch.randn_like(y)
    y.backward(upstream)
    exact.backward(upstream.double())
    for ours, other in ((y, exact), (x.grad, exact_x.grad), (layer.weight.grad, exact_weight.grad)):
        torch.testing.assert_close(ours.double(), other, rtol=1e-4, atol=1e-4)


def test_without_gradients_it_is_one_layer_with_a_stride():
    layer = PointwiseConv2d(3, 4, 2)
    x = torch.randn(1, 3, 8, 8)
    with torch.no_grad():
        graph = make_fx(layer)(x).graph
    operations = [str(node.target) for node in graph.nodes if node.op == "call_function"]
    assert operations == ["aten.convolution.default"]
