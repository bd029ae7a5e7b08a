import pytest
import torch

from models.network import count
from models.references import mobilenetv2, plain_cnn, resnet8


@pytest.mark.parametrize("reference", [resnet8, plain_cnn, mobilenetv2])
@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 32)])
def test_a_reference_makes_logits(reference, channels, size):
    net = reference(channels, classes=10, width=4)
    assert net(torch.randn(2, channels, size, size)).shape == (2, 10)


def test_parameters_of_resnet8_are_those_of_mlperf_tiny():
    """MLPerf Tiny's Keras model for CIFAR-10 has 78,666, counted like this:"""
    kernels = (
        *(3 * 16 * 9, 2 * 16 * 16 * 9),
        *(16 * 32 * 9, 32 * 32 * 9, 16 * 32),  # the 1×1 of the shortcut
        *(32 * 64 * 9, 64 * 64 * 9, 32 * 64),
    )
    channels = 3 * 16 + 2 * 32 + 2 * 64  # after the convolutions that a BatchNorm follows
    classifier = 64 * 10 + 10
    shortcuts = 32 + 64
    biases, moving_statistics = channels + shortcuts, 2 * channels
    published = sum(kernels) + 2 * channels + classifier + biases + moving_statistics
    assert published == 78_666
    # Ours: no biases, statistics are no parameters, and shortcuts have a BatchNorm too.
    ours = published - biases - moving_statistics + 2 * shortcuts
    assert ours == 78_042
    assert count(resnet8(3, 10), (3, 32, 32))[1] == ours


def test_multiplications_of_resnet8():
    """Full resolution first: 32·32, then 16·16, then 8·8 pixels."""
    first = 3 * 16 * 9 + 2 * 16 * 16 * 9
    second = 16 * 32 * 9 + 32 * 32 * 9 + 16 * 32
    third = 32 * 64 * 9 + 64 * 64 * 9 + 32 * 64
    macs = first * 32**2 + second * 16**2 + third * 8**2 + 64 * 10
    assert macs == 12_501_632  # published: 12.5 million
    assert count(resnet8(3, 10), (3, 32, 32))[0] == macs


def test_the_shortcut_carries_the_input_past_the_branch():
    block = resnet8(1, 10, width=4)[3]
    torch.nn.init.zeros_(block.branch[-1].weight)
    x = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(block(x), torch.relu(x))


def test_size_of_the_plain_network_by_hand():
    kernels = 1 * 4 * 9, 4 * 8 * 9, 8 * 16 * 9
    norms, classifier = 2 * (4 + 8 + 16), 16 * 10 + 10
    assert count(plain_cnn(1, 10, width=4), (1, 28, 28)) == (
        kernels[0] * 14**2 + kernels[1] * 7**2 + kernels[2] * 4**2 + 16 * 10,
        sum(kernels) + norms + classifier,
    )


def test_the_first_stages_of_mobilenetv2_are_those_of_the_paper():
    """torchvision's mobilenet_v2, features 0 to 10, has the same blocks for three channels."""

    def bottleneck(cin, cout, expansion):
        mid = cin * expansion
        expand = cin * mid + 2 * mid if expansion > 1 else 0
        return expand + mid * 9 + 2 * mid + mid * cout + 2 * cout

    stem = 3 * 32 * 9 + 2 * 32
    blocks = [
        bottleneck(32, 16, 1),
        *(bottleneck(16, 24, 6), bottleneck(24, 24, 6)),
        *(bottleneck(24, 32, 6), 2 * bottleneck(32, 32, 6)),
        *(bottleneck(32, 64, 6), 3 * bottleneck(64, 64, 6)),
    ]
    assert blocks[:3] == [896, 5136, 8832]  # as torchvision counts them
    head = 64 * 256 + 2 * 256 + 256 * 10 + 10
    assert count(mobilenetv2(3, 10), (3, 32, 32))[1] == stem + sum(blocks) + head


def test_channels_of_mobilenetv2_are_multiples_of_four():
    convs = [m for m in mobilenetv2(1, 10, width=8).modules() if isinstance(m, torch.nn.Conv2d)]
    # a quarter of 32, 16, 24, 32 and 64; 6 goes up to 8
    assert [convs[0].out_channels, convs[2].out_channels] == [8, 4]
    assert {conv.out_channels for conv in convs} == {8, 4, 24, 48, 16, 96, 64}


def test_the_last_blocks_of_mobilenetv2_see_4x4_pixels():
    net = mobilenetv2(1, 10, width=4)
    before_head = net[:-6](torch.randn(1, 1, 28, 28))
    assert before_head.shape == (1, 8, 4, 4)
