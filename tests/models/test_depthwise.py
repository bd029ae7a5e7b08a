import pytest
import torch
import torch.nn.functional as F
from torch import nn

from models.depthwise import DepthwiseConv2d, depthwise

# Wide and lower maps, and such as are smaller than the kernel down to a single pixel.
SIZES = [(8, 6), (5, 5), (4, 9), (2, 3), (1, 1)]


def example(kernel, size=(6, 6), dtype=torch.float64):
    """x (2, 3, *size) and a weight (3, 1, k, k), both with gradient."""
    generator = torch.Generator().manual_seed(kernel)
    x = torch.randn(2, 3, *size, dtype=dtype, generator=generator, requires_grad=True)
    weight = torch.randn(3, 1, kernel, kernel, dtype=dtype, generator=generator, requires_grad=True)
    return x, weight


def plain(x, weight):
    """What PyTorch computes by itself."""
    return F.conv2d(x, weight, padding=weight.shape[-1] // 2, groups=len(weight))


def is_columnwise(y):
    return "Columnwise" in y.grad_fn.name()


@pytest.mark.parametrize("kernel", [3, 5, 7, 9])
@pytest.mark.parametrize("size", SIZES)
def test_values_and_gradients_are_those_of_autograd(kernel, size):
    x, weight = example(kernel, size)
    expected, y = plain(x, weight), depthwise(x, weight)
    torch.testing.assert_close(y, expected)
    grad = torch.randn(y.shape, dtype=y.dtype, generator=torch.Generator().manual_seed(0))
    wanted = torch.autograd.grad(expected, (x, weight), grad)
    torch.testing.assert_close(torch.autograd.grad(y, (x, weight), grad), wanted)
    assert is_columnwise(y) == (kernel > 3)


@pytest.mark.parametrize("kernel", [5, 7])
def test_a_window_of_a_larger_weight_gets_its_gradient(kernel):
    """The supernet cuts its kernels out of the largest one."""
    x, whole = example(9)
    rim = (9 - kernel) // 2
    window = slice(rim, 9 - rim)
    (grad,) = torch.autograd.grad(depthwise(x, whole[..., window, window]).square().sum(), whole)
    (wanted,) = torch.autograd.grad(plain(x, whole[..., window, window]).square().sum(), whole)
    torch.testing.assert_close(grad, wanted)
    assert grad[..., :rim, :].abs().max() == 0
    assert grad[..., window, window].abs().min() > 0


def test_an_input_without_gradient_gets_none():
    x, weight = example(5)
    y = depthwise(x.detach(), weight)
    (grad,) = torch.autograd.grad(y.sum(), weight)
    (wanted,) = torch.autograd.grad(plain(x, weight).sum(), weight)
    assert is_columnwise(y)
    torch.testing.assert_close(grad, wanted)


def test_it_falls_back_where_the_weight_needs_no_gradient():
    x, weight = example(5)
    y = depthwise(x, weight.detach())
    assert not is_columnwise(y)
    torch.testing.assert_close(
        torch.autograd.grad(y.sum(), x), torch.autograd.grad(plain(x, weight).sum(), x)
    )
    with torch.no_grad():
        assert depthwise(x, weight).grad_fn is None


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_mixed_precision_trains(dtype):
    """Autocast casts in the forward pass; the backward pass must agree with it."""
    x, weight = example(5, dtype=torch.float32)
    with torch.autocast("cpu", dtype=dtype):
        y = depthwise(x, weight)
    grads = torch.autograd.grad(y.float().sum(), (x, weight))
    wanted = torch.autograd.grad(plain(x, weight).sum(), (x, weight))
    torch.testing.assert_close(grads, wanted, rtol=0.02, atol=0.2)


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
def test_the_module_is_a_drop_in_for_conv2d(kernel, stride):
    ours = DepthwiseConv2d(3, kernel, stride)
    theirs = nn.Conv2d(3, 3, kernel, stride, kernel // 2, groups=3, bias=False)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 3, 7, 6)
    torch.testing.assert_close(ours(x), theirs(x))
