import itertools

import pytest
import torch

from models.inherit import inherit
from models.spaces import SpaceError
from models.supernet import single
from tests.models.made_up import CONV, K3E3, K5E6, SEP, SKIP, SPACE, images

OPERATIONS = range(len(SPACE.operations))


@torch.no_grad()
@pytest.mark.parametrize("choices", [(op, op, op) for op in OPERATIONS])
def test_every_operation_computes_what_the_supernet_computes(supernet, choices):
    net = inherit(supernet, SPACE, choices).eval()
    torch.testing.assert_close(net(images()), supernet(images(), single(choices)))


@torch.no_grad()
def test_skips_between_other_operations_shift_no_weights(supernet):
    for choices in itertools.product([SKIP, K3E3, CONV], repeat=3):
        net = inherit(supernet, SPACE, choices).eval()
        canonical = single(SPACE.canonical(choices))
        torch.testing.assert_close(net(images()), supernet(images(), canonical))


def test_the_small_operation_is_cut_out_of_the_large_one(supernet):
    net = inherit(supernet, SPACE, (K3E3, SKIP, SKIP))  # 12 of 24 channels, 3 of 5 columns
    kernels = supernet.steps[1].shared(SPACE.decisions[0].block("mbconv_k3_e3")).kernels
    convs = [part.weight for part in net[1].branch if isinstance(part, torch.nn.Conv2d)]
    assert torch.equal(convs[0], kernels[0][:12])
    assert torch.equal(convs[1], kernels[1][:12, :, 1:4, 1:4])
    assert torch.equal(convs[2], kernels[2][:, :12])


def test_the_weights_are_copies(supernet):
    before = {name: value.clone() for name, value in supernet.state_dict().items()}
    net = inherit(supernet, SPACE, (K5E6, CONV, SEP))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
    assert all(torch.equal(before[name], value) for name, value in supernet.state_dict().items())


def test_choices_of_another_space_are_refused(supernet):
    with pytest.raises(SpaceError, match="2 choices for 3 decisions"):
        inherit(supernet, SPACE, (1, 1))
