import pytest
import torch
import torch.nn.functional as F

from edge.spec import BlockSpec
from models.blocks import build
from models.network import count

EDGES = [
    *("relu_conv_k1", "relu_conv_k3", "sep_conv_k3", "sep_conv_k5", "dil_conv_k3", "dil_conv_k5"),
    *("avg_pool_k3", "avg_pool_bn_k3", "max_pool_bn_k3", "skip", "none"),
]


def norm(x, layer):
    return F.batch_norm(x, layer.running_mean, layer.running_var, layer.weight, layer.bias)


@pytest.mark.parametrize("op", EDGES)
@pytest.mark.parametrize(("size", "stride", "out"), [((6, 9), 1, (6, 9)), ((6, 9), 2, (3, 5))])
def test_an_edge_makes_the_shape_that_its_spec_says(op, size, stride, out):
    spec = BlockSpec(op, 4, 4, *size, stride)
    assert build(spec)(torch.randn(2, 4, *size)).shape == (2, 4, *out)
    assert (spec.out_height, spec.out_width) == out


@pytest.mark.parametrize("op", [*EDGES, "reduce", "resnet_k3", "norm_head"])
def test_what_others_read_too_is_not_changed(op):
    block = build(BlockSpec(op, 4, 4, 6, 6, 2 if op in ("reduce", "resnet_k3") else 1))
    x = torch.randn(2, 4, 6, 6)
    before = x.clone()
    block(x)
    assert torch.equal(x, before)


def test_a_convolution_activates_first(lively):
    block = lively(build(BlockSpec("relu_conv_k3", 4, 8, 6, 6)))
    _, layer, last = block
    x = torch.randn(2, 4, 6, 6)
    expected = norm(F.conv2d(F.relu(x), layer.weight, padding=1), last)
    torch.testing.assert_close(block(x), expected)


def test_a_separable_convolution_is_two_and_only_the_first_strides(lively):
    block = lively(build(BlockSpec("sep_conv_k5", 4, 4, 6, 6, 2)))
    _, one, point, first, _, two, last_point, last = block
    x = torch.randn(2, 4, 6, 6)
    y = F.conv2d(F.relu(x), one.weight, stride=2, padding=2, groups=4)
    y = F.relu(norm(F.conv2d(y, point.weight), first))
    y = F.conv2d(F.conv2d(y, two.weight, padding=2, groups=4), last_point.weight)
    torch.testing.assert_close(block(x), norm(y, last))


def test_a_dilated_convolution_sees_every_second_pixel(lively):
    block = lively(build(BlockSpec("dil_conv_k3", 1, 1, 5, 5)))
    _, layer, point, last = block
    x = torch.zeros(1, 1, 5, 5)
    x[0, 0, 0, 2] = 1  # two rows above the centre: the middle of the kernel's first row
    seen = F.relu(x)[0, 0, 0, 2] * layer.weight[0, 0, 0, 1] * point.weight[0, 0, 0, 0]
    centre = norm(seen.view(1, 1, 1, 1), last)
    torch.testing.assert_close(block(x)[..., 2:3, 2:3], centre)


def test_the_mean_at_a_border_is_of_the_pixels_that_there_are():
    x = torch.arange(9.0).view(1, 1, 3, 3)
    y = build(BlockSpec("avg_pool_k3", 1, 1, 3, 3))(x)
    assert y[0, 0].tolist() == [[2.0, 2.5, 3.0], [3.5, 4.0, 4.5], [5.0, 5.5, 6.0]]


@pytest.mark.parametrize("size", [(6, 6), (6, 7), (7, 7), (1, 7), (1, 1)])
def test_a_mean_that_strides_is_every_second_one_of_those_that_do_not(size):
    x = torch.randn(2, 3, *size)
    every = build(BlockSpec("avg_pool_k3", 3, 3, *size))(x)
    found = build(BlockSpec("avg_pool_k3", 3, 3, *size, 2))(x)
    torch.testing.assert_close(found, every[..., ::2, ::2])


@pytest.mark.parametrize(("side", "odd"), [(4, [5.0, 7.0, 13.0, 15.0]), (3, [4.0, 0.0, 0.0, 0.0])])
def test_a_reduction_takes_the_even_pixels_and_those_between_them(side, odd):
    """0 .. side² - 1, one channel to two; beyond the last pixel of odd sides lies nothing."""
    _, layer, last = block = build(BlockSpec("reduce", 1, 2, side, side, 2)).eval()
    torch.nn.init.ones_(layer.weight)
    x = torch.arange(float(side * side)).view(1, 1, side, side)
    even, shifted = block(x)[0] * (1 + last.eps) ** 0.5
    wanted = [0.0, 2.0, 8.0, 10.0] if side == 4 else [0.0, 2.0, 6.0, 8.0]
    torch.testing.assert_close(even.flatten(), torch.tensor(wanted))
    torch.testing.assert_close(shifted.flatten(), torch.tensor(odd))


def test_a_reduction_is_two_convolutions_of_every_second_pixel(lively):
    _, layer, last = block = lively(build(BlockSpec("skip", 4, 6, 8, 6, 2)))
    x = torch.randn(2, 4, 8, 6)
    positive = F.relu(x)
    parts = [
        F.conv2d(positive, layer.weight[:3], stride=2),
        F.conv2d(positive[..., 1:, 1:], layer.weight[3:], stride=2),
    ]
    torch.testing.assert_close(block(x), norm(torch.cat(parts, 1), last))
    assert count(block, (4, 8, 6)) == (4 * 6 * 4 * 3, 4 * 6 + 2 * 6)


def test_nothing_is_zero():
    assert build(BlockSpec("none", 3, 3, 4, 4, 2))(torch.ones(1, 3, 4, 4)).abs().sum() == 0


def test_edges_are_added_and_nodes_put_side_by_side():
    x, y = torch.ones(1, 2, 3, 3), torch.full((1, 2, 3, 3), 2.0)
    assert torch.equal(build(BlockSpec("add", 2, 2, 3, 3))(x, y), torch.full((1, 2, 3, 3), 3.0))
    both = build(BlockSpec("concat_2", 2, 4, 3, 3))(x, y)
    assert both[0, :, 0, 0].tolist() == [1, 1, 2, 2]


def test_what_stands_between_stages_is_two_convolutions_and_a_shortcut_of_means(lively):
    block = lively(build(BlockSpec("resnet_k3", 4, 8, 6, 7, 2)))
    _, one, first, _, two, last = block.branch
    x = torch.randn(2, 4, 6, 7)
    y = F.relu(norm(F.conv2d(F.relu(x), one.weight, stride=2, padding=1), first))
    y = norm(F.conv2d(y, two.weight, padding=1), last)
    means = F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
    torch.testing.assert_close(block(x), y + F.conv2d(means, block.shortcut[1].weight))


@pytest.mark.parametrize(
    ("op", "macs", "parameters"),
    [
        ("relu_conv_k3", 4 * 4 * 9 * 36, 4 * 4 * 9 + 2 * 4),
        ("sep_conv_k3", 2 * 4 * (9 + 4) * 36, 2 * (4 * (9 + 4) + 2 * 4)),
        ("dil_conv_k5", 4 * (25 + 4) * 36, 4 * (25 + 4) + 2 * 4),
        ("max_pool_bn_k3", 0, 2 * 4),
        ("avg_pool_k3", 0, 0),
        ("none", 0, 0),
    ],
)
def test_macs_and_parameters_are_counted(op, macs, parameters):
    assert count(build(BlockSpec(op, 4, 4, 6, 6)), (4, 6, 6)) == (macs, parameters)
