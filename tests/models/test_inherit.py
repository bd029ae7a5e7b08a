import itertools

import pytest
import torch

from models.inherit import inherit
from models.spaces import SpaceError, mbconv
from models.supernet import Supernet, single

MBCONVS = ["mbconv_k3_e3", "mbconv_k5_e3", "mbconv_k3_e6", "mbconv_k5_e6"]
SPACE = mbconv(
    input_shape=(3, 12, 8),
    classes=5,
    operations=["skip", "sep_k3", *MBCONVS, "conv_k3"],
    stem_width=4,
    stem_stride=2,
    widths=[4, 8],
    depths=[2, 1],
    head_width=16,
    act="relu",
)
OPERATIONS = range(len(SPACE.operations))


@pytest.fixture
def supernet(lively):
    return lively(Supernet(SPACE))


def images():
    return torch.randn(2, 3, 12, 8, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
@pytest.mark.parametrize("choices", [(op, op, op) for op in OPERATIONS])
def test_every_operation_computes_what_the_supernet_computes(supernet, choices):
    net = inherit(supernet, SPACE, choices).eval()
    torch.testing.assert_close(net(images()), supernet(images(), single(choices)))


@torch.no_grad()
def test_skips_between_other_operations_shift_no_weights(supernet):
    for choices in itertools.product([0, 2, 6], repeat=3):
        net = inherit(supernet, SPACE, choices).eval()
        canonical = single(SPACE.canonical(choices))
        torch.testing.assert_close(net(images()), supernet(images(), canonical))


def test_the_small_operation_is_cut_out_of_the_large_one(supernet):
    net = inherit(supernet, SPACE, (2, 0, 0))  # mbconv_k3_e3: 12 of 24 channels, 3 of 5 columns
    shared = supernet.steps[1].shared
    convs = [part.weight for part in net[1].branch if isinstance(part, torch.nn.Conv2d)]
    assert torch.equal(convs[0], shared.expand.weight[:12])
    assert torch.equal(convs[1], shared.depthwise.weight[:12, :, 1:4, 1:4])
    assert torch.equal(convs[2], shared.project.weight[:, :12])


def test_the_weights_are_copies(supernet):
    before = {name: value.clone() for name, value in supernet.state_dict().items()}
    net = inherit(supernet, SPACE, (5, 6, 1))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
    assert all(torch.equal(before[name], value) for name, value in supernet.state_dict().items())


def test_choices_of_another_space_are_refused(supernet):
    with pytest.raises(SpaceError, match="2 choices for 3 decisions"):
        inherit(supernet, SPACE, (1, 1))
