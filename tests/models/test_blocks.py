import pytest
import torch
import torch.nn.functional as F

from edge.spec import BlockSpec
from models.blocks import (
    ACTIVATIONS,
    UnknownOperation,
    activation,
    build,
    operation,
    set_last_gamma,
)

OPERATIONS = [
    *("conv_k1", "conv_k3", "conv_k5", "sep_k3"),
    *("mbconv_k3_e1", "mbconv_k7_e6", "fused_k3_e1", "fused_k5_e2"),
]


def norm(x, layer):
    return F.batch_norm(x, layer.running_mean, layer.running_var, layer.weight, layer.bias)


@pytest.mark.parametrize("op", OPERATIONS)
@pytest.mark.parametrize(("size", "stride", "out"), [((6, 9), 1, (6, 9)), ((6, 9), 2, (3, 5))])
def test_a_block_makes_the_shape_that_its_spec_says(op, size, stride, out):
    spec = BlockSpec(op, 4, 8, *size, stride)
    assert build(spec)(torch.randn(2, 4, *size)).shape == (2, 8, *out)
    assert (spec.out_height, spec.out_width) == out


def test_conv_is_convolution_norm_activation_plus_the_input(lively):
    block = lively(build(BlockSpec("conv_k3", 4, 4, 6, 6)))
    convolution, bn, _ = block.branch
    x = torch.randn(2, 4, 6, 6)
    expected = x + F.relu(norm(F.conv2d(x, convolution.weight, padding=1), bn))
    torch.testing.assert_close(block(x), expected)


def test_sep_is_depthwise_then_a_linear_pointwise(lively):
    block = lively(build(BlockSpec("sep_k3", 4, 8, 6, 6)))
    depthwise, first, _, pointwise, last = block.branch
    x = torch.randn(2, 4, 6, 6)
    y = F.relu(norm(F.conv2d(x, depthwise.weight, padding=1, groups=4), first))
    torch.testing.assert_close(block(x), norm(F.conv2d(y, pointwise.weight), last))


def test_mbconv_expands_filters_and_projects_linearly(lively):
    block = lively(build(BlockSpec("mbconv_k5_e3", 4, 4, 6, 6)))
    expand, first, _, depthwise, second, _, project, last = block.branch
    assert depthwise.weight.shape == (12, 1, 5, 5)  # 3 times 4 channels
    x = torch.randn(2, 4, 6, 6)
    y = F.relu(norm(F.conv2d(x, expand.weight), first))
    y = F.relu(norm(F.conv2d(y, depthwise.weight, padding=2, groups=12), second))
    torch.testing.assert_close(block(x), x + norm(F.conv2d(y, project.weight), last))


def test_fused_expands_by_a_dense_kernel_and_projects_linearly(lively):
    block = lively(build(BlockSpec("fused_k3_e2", 4, 4, 6, 6)))
    expand, first, _, project, last = block.branch
    assert expand.weight.shape == (8, 4, 3, 3)  # twice 4 channels
    x = torch.randn(2, 4, 6, 6)
    y = F.relu(norm(F.conv2d(x, expand.weight, padding=1), first))
    torch.testing.assert_close(block(x), x + norm(F.conv2d(y, project.weight), last))


def test_skip_is_the_identity():
    x = torch.randn(2, 4, 6, 6)
    assert build(BlockSpec("skip", 4, 4, 6, 6))(x) is x


@pytest.mark.parametrize("changes", [{"out_channels": 8}, {"out_channels": 4, "stride": 3}])
def test_skip_cannot_change_the_geometry(changes):
    spec = BlockSpec("skip", in_channels=4, height=6, width=6, **changes)
    with pytest.raises(UnknownOperation, match=f"skip cannot change the geometry: {spec.key}"):
        build(spec)


def test_head_averages_the_features_and_classifies(lively):
    block = lively(build(BlockSpec("head_16", 4, 10, 3, 3)))
    features, bn, *_, classifier = block
    x = torch.randn(2, 4, 3, 3)
    mean = F.relu(norm(F.conv2d(x, features.weight), bn)).mean((2, 3))  # (2, 16)
    torch.testing.assert_close(block(x), mean @ classifier.weight.T + classifier.bias)


@pytest.mark.parametrize("op", [*OPERATIONS, "head_8"])
def test_a_block_leaves_its_input_alone(op):
    """Activations work in place; a residual or a second path still needs the input."""
    x = torch.randn(2, 4, 6, 6)
    before = x.clone()
    build(BlockSpec(op, 4, 4, 6, 6))(x)
    assert torch.equal(x, before)


@pytest.mark.parametrize(
    ("name", "at"), [("relu", [0, 1, 8]), ("relu6", [0, 1, 6]), ("hardswish", [-1 / 3, 2 / 3, 8])]
)
def test_activations_at_minus_one_one_and_eight(name, at):
    x = torch.tensor([-1.0, 1.0, 8.0])
    torch.testing.assert_close(activation(name)(x), torch.tensor(at, dtype=torch.float32))
    assert name in ACTIVATIONS


@pytest.mark.parametrize("op", ["conv", "mbconv_k3", "mbconv_k3_e3x", "xsep_k3", ""])
def test_an_unknown_operation_is_named(op):
    with pytest.raises(UnknownOperation, match=f"unknown operation '{op}'; names match one of"):
        build(BlockSpec(op, 4, 4, 6, 6))


def test_an_unknown_activation_is_named():
    with pytest.raises(UnknownOperation, match="unknown activation 'gelu'; known: relu, "):
        build(BlockSpec("conv_k3", 4, 4, 6, 6, act="gelu"))


def test_an_operation_is_registered_once():
    with pytest.raises(ValueError, match="is registered twice"):
        operation(r"conv_k(\d+)")(lambda spec: None)


def test_the_last_gamma_scales_residual_branches_only():
    residual = build(BlockSpec("mbconv_k3_e3", 4, 4, 6, 6))
    strided = build(BlockSpec("mbconv_k3_e3", 4, 4, 6, 6, stride=2))
    both = torch.nn.Sequential(residual, strided)
    set_last_gamma(both, 0.0)
    x = torch.randn(2, 4, 6, 6)
    assert torch.equal(residual(x), x)  # a branch times zero
    assert strided.last_norm.weight.tolist() == [1.0] * 4
