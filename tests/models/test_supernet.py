import pytest
import torch
import torch.nn.functional as F

from edge.spec import BlockSpec
from models.blocks import build
from models.network import network
from models.spaces import SpaceError
from models.supernet import LAST_GAMMA, SharedDecision, SharedMBConv, Supernet, single
from tests.models.made_up import CONV, K3E3, K5E3, K5E6, MBCONVS, SEP, SKIP, SPACE, images

CHANNELS = 4
SPECS = [BlockSpec(op, CHANNELS, CHANNELS, 6, 6) for op in MBCONVS]


def norm(x, layer):
    return F.batch_norm(x, layer.running_mean, layer.running_var, layer.weight, layer.bias)


@pytest.fixture
def shared(lively):
    return lively(SharedMBConv(SPECS))


def features():
    return torch.randn(2, CHANNELS, 6, 6, generator=torch.Generator().manual_seed(0))


def test_the_weights_are_those_of_the_largest_candidate(shared):
    assert shared.expand.weight.shape == (24, 4, 1, 1)
    assert shared.depthwise.weight.shape == (24, 1, 5, 5)
    assert shared.project.weight.shape == (4, 24, 1, 1)


def test_the_largest_candidate_uses_all_weights(shared):
    first, second, last = shared.norms["mbconv_k5_e6"]
    x = features()
    y = F.relu(norm(F.conv2d(x, shared.expand.weight), first))
    y = F.relu(norm(F.conv2d(y, shared.depthwise.weight, padding=2, groups=24), second))
    expected = x + norm(F.conv2d(y, shared.project.weight), last)
    torch.testing.assert_close(shared(x, "mbconv_k5_e6"), expected)


def test_the_smallest_uses_the_centre_of_the_kernels_and_half_of_the_channels(shared):
    first, second, last = shared.norms["mbconv_k3_e3"]
    x = features()
    y = F.relu(norm(F.conv2d(x, shared.expand.weight[:12]), first))
    centre = shared.depthwise.weight[:12, :, 1:4, 1:4]
    y = F.relu(norm(F.conv2d(y, centre, padding=1, groups=12), second))
    expected = x + norm(F.conv2d(y, shared.project.weight[:, :12]), last)
    torch.testing.assert_close(shared(x, "mbconv_k3_e3"), expected)


def test_a_small_kernel_is_a_large_one_whose_rim_is_zero(shared):
    for ours, theirs in zip(
        shared.norms["mbconv_k5_e6"], shared.norms["mbconv_k3_e6"], strict=True
    ):
        ours.load_state_dict(theirs.state_dict())
    small = shared(features(), "mbconv_k3_e6")
    assert not torch.allclose(shared(features(), "mbconv_k5_e6"), small)
    with torch.no_grad():
        shared.depthwise.weight[..., [0, 4], :] = 0
        shared.depthwise.weight[..., [0, 4]] = 0
    torch.testing.assert_close(shared(features(), "mbconv_k5_e6"), small)


@pytest.mark.parametrize("op", MBCONVS)
def test_a_candidate_is_the_block_that_is_deployed(op, shared):
    """The stand-alone block, given the weights, computes the same: also when it trains."""
    block = build(BlockSpec(op, CHANNELS, CHANNELS, 6, 6))
    kernel, middle = int(op[8]), CHANNELS * int(op[11])
    rim = (5 - kernel) // 2
    expand, first, _, depthwise, second, _, project, last = block.branch
    with torch.no_grad():
        expand.weight.copy_(shared.expand.weight[:middle])
        depthwise.weight.copy_(shared.depthwise.weight[:middle, :, rim : 5 - rim, rim : 5 - rim])
        project.weight.copy_(shared.project.weight[:, :middle])
    for ours, theirs in zip((first, second, last), shared.norms[op], strict=True):
        ours.load_state_dict(theirs.state_dict())
    torch.testing.assert_close(shared(features(), op), block.eval()(features()))
    torch.testing.assert_close(shared.train()(features(), op), block.train()(features()))


def test_every_candidate_has_batch_norms_of_its_own(shared):
    statistics = {op: [bn.running_mean.clone() for bn in shared.norms[op]] for op in MBCONVS}
    shared.train()(features(), "mbconv_k3_e6")
    for op, before in statistics.items():
        moved = [
            not torch.equal(bn.running_mean, was)
            for bn, was in zip(shared.norms[op], before, strict=True)
        ]
        assert moved == [op == "mbconv_k3_e6"] * 3
    weights = {id(bn.weight) for norms in shared.norms.values() for bn in norms}
    assert len(weights) == 4 * 3


def test_a_path_trains_its_part_of_the_weights_only(shared):
    shared(features(), "mbconv_k3_e3").sum().backward()
    grad = shared.depthwise.weight.grad
    assert grad[:12, :, 1:4, 1:4].abs().sum() > 0
    grad[:12, :, 1:4, 1:4] = 0
    assert grad.abs().sum() == 0
    assert shared.expand.weight.grad[12:].abs().sum() == 0
    assert shared.project.weight.grad[:, 12:].abs().sum() == 0


def test_a_block_that_changes_the_geometry_keeps_its_weights_to_itself():
    specs = [BlockSpec(op, 4, 8, 6, 6, stride=2) for op in MBCONVS]
    decision = SharedDecision(specs)
    assert decision.shared is None
    assert decision(features(), "mbconv_k5_e3").shape == (2, 8, 3, 3)


def test_residual_branches_start_small_and_everything_else_as_usual():
    decision = Supernet(SPACE).steps[1]
    lasts = [decision.own[op].last_norm for op in ("sep_k3", "conv_k3")]
    lasts += [decision.shared.norms[op][2] for op in MBCONVS]
    assert all(bn.weight.tolist() == pytest.approx([LAST_GAMMA] * 4) for bn in lasts)
    others = [decision.own["sep_k3"].branch[1], decision.shared.norms["mbconv_k3_e3"][0]]
    assert all((bn.weight == 1).all() for bn in others)
    assert (Supernet(SPACE).steps[0].last_norm.weight == 1).all()


@pytest.mark.parametrize("op", range(7))
def test_every_operation_makes_logits(op, supernet):
    logits = supernet(images(), single([op] * 3))
    assert logits.shape == (2, 5)
    assert logits.isfinite().all()


def test_a_path_is_the_network_of_its_choices(supernet):
    """Stem, own blocks and head have the names of a stand-alone network; a skip is nothing."""
    choices = (SEP, SKIP, CONV)
    weights = {}
    parts = [
        supernet.steps[0],
        supernet.steps[1].own["sep_k3"],
        supernet.steps[3],
        supernet.steps[4].own["conv_k3"],
        supernet.steps[5],
    ]
    for index, part in enumerate(parts):
        weights.update({f"{index}.{name}": value for name, value in part.state_dict().items()})
    net = network(SPACE.architecture(choices))
    net.load_state_dict(weights)
    torch.testing.assert_close(supernet(images(), single(choices)), net.eval()(images()))


def test_where_a_skip_stands_in_a_stage_matters_for_shared_weights(supernet):
    """So choices are made canonical before they run: the first decision's weights are others."""
    one, other = (supernet(images(), single(c)) for c in ((K3E3, SKIP, SEP), (SKIP, K3E3, SEP)))
    assert not torch.allclose(one, other)


@pytest.mark.parametrize("choices", [(), (SEP, SEP), (SEP, SEP, SEP, SEP)])
def test_a_selection_of_another_length_is_refused(choices, supernet):
    with pytest.raises(SpaceError, match=f"{len(choices)} choices for 3 decisions"):
        supernet(images(), single(choices))


def test_a_gate_of_one_changes_nothing(supernet):
    choices = (K5E3, SEP, SKIP)
    gated = [[(index, torch.tensor(1.0))] for index in choices]
    assert torch.equal(supernet(images(), gated), supernet(images(), single(choices)))


def test_two_paths_are_summed_by_their_gates(supernet):
    """The features after one decision: a quarter of one operation and three of the other."""
    step, x = supernet.steps[1], features()
    gates = torch.tensor([0.25, 0.75])
    options = [(K3E3, gates[0]), (SEP, gates[1])]
    mixed = supernet._decide(step, x, options)
    expected = 0.25 * step(x, "mbconv_k3_e3") + 0.75 * step(x, "sep_k3")
    torch.testing.assert_close(mixed, expected)


def test_a_gate_of_zero_leaves_the_other_path_and_its_gradient(supernet):
    """The two-path estimator: the second path adds nothing but a gradient to its gate."""
    zero = torch.zeros((), requires_grad=True)
    rest = [[(SEP, None)], [(CONV, None)]]
    logits = supernet(images(), [[(K5E6, None), (SKIP, zero)], *rest])
    torch.testing.assert_close(logits, supernet(images(), single((K5E6, SEP, CONV))))
    (grad,) = torch.autograd.grad(logits.square().sum(), zero)
    assert grad.abs() > 0
