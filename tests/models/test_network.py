import pytest
import torch
from torch import nn

from edge.spec import Architecture, BlockSpec, Row
from models.network import chain, count, network

STEM = Row("stem", BlockSpec("conv_k3", 1, 4, 8, 8, stride=2))
SEP, CONV, SKIP = (BlockSpec(op, 4, 4, 4, 4) for op in ("sep_k3", "conv_k3", "skip"))
HEAD = Row("head", BlockSpec("head_8", 4, 10, 4, 4))


def architecture(*blocks):
    rows = [Row(f"stage1.{i}", block, searched=True) for i, block in enumerate(blocks, 1)]
    return Architecture("mbconv", (1, 8, 8), 10, (STEM, *rows, HEAD))


def test_a_network_is_its_blocks_in_order():
    net = network(architecture(SEP, CONV))
    assert len(net) == 4
    assert net(torch.randn(2, 1, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize(
    "blocks", [(SKIP, SEP, CONV), (SEP, SKIP, CONV), (SEP, CONV, SKIP), (SKIP, SEP, SKIP, CONV)]
)
def test_skips_anywhere_compute_the_same_function(blocks, lively):
    without, with_skips = lively(network(architecture(SEP, CONV))), network(architecture(*blocks))
    with_skips.load_state_dict(without.state_dict())  # names and shapes agree as well
    x = torch.randn(2, 1, 8, 8)
    assert torch.equal(with_skips.eval()(x), without(x))


def test_a_chain_is_copies_with_weights_of_their_own():
    copies = chain(SEP, 3)
    assert len(copies) == 3
    assert len({id(parameter) for parameter in copies.parameters()}) == 3 * 6
    assert copies(torch.randn(2, 4, 4, 4)).shape == (2, 4, 4, 4)


@pytest.mark.parametrize(
    ("block", "macs", "parameters"),
    [
        # Weights at each of the 4·4 pixels; a BatchNorm has two parameters a channel.
        (SEP, (9 * 4 + 4 * 4) * 16, 9 * 4 + 2 * 4 + 4 * 4 + 2 * 4),
        (CONV, 9 * 4 * 4 * 16, 9 * 4 * 4 + 2 * 4),
        (SKIP, 0, 0),
        # 1×1 to 12 channels at 4·4 pixels; from the stride on there are 2·2.
        (
            BlockSpec("mbconv_k5_e3", 4, 8, 4, 4, stride=2),
            4 * 12 * 16 + (25 * 12 + 12 * 8) * 4,
            4 * 12 + 2 * 12 + 25 * 12 + 2 * 12 + 12 * 8 + 2 * 8,
        ),
        # The classifier sees one position; its bias is a parameter but no multiplication.
        (HEAD.block, 4 * 8 * 16 + 8 * 10, 4 * 8 + 2 * 8 + 8 * 10 + 10),
    ],
    ids=lambda value: value.op if isinstance(value, BlockSpec) else None,
)
def test_macs_and_parameters_by_hand(block, macs, parameters):
    assert count(chain(block, 1), (block.in_channels, 4, 4)) == (macs, parameters)


def test_counts_of_a_network_are_the_sum_over_its_blocks():
    stem_macs, stem_parameters = 9 * 4 * 16, 9 * 4 + 2 * 4
    sep_macs, sep_parameters = 832, 68
    head_macs, head_parameters = 592, 138
    assert count(network(architecture(SEP, SKIP, SEP)), (1, 8, 8)) == (
        stem_macs + 2 * sep_macs + head_macs,
        stem_parameters + 2 * sep_parameters + head_parameters,
    )


@pytest.mark.parametrize("training", [True, False])
def test_counting_leaves_no_trace(training):
    net = network(architecture(SEP)).train(training)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    count(net, (1, 8, 8))
    assert all(part.training is training for part in net.modules())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert not any(layer._forward_hooks for layer in net.modules())


def test_a_failed_count_leaves_no_trace_either():
    net = nn.Sequential(nn.Conv2d(4, 4, 3))
    with pytest.raises(RuntimeError):
        count(net, (3, 8, 8))
    assert net.training
    assert not net[0]._forward_hooks
