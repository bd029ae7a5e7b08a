import pytest
import torch
import torch.nn.functional as F

from edge.spec import BlockSpec
from models.blocks import build
from models.inherit import inherit
from models.mbconv import mbconv
from models.spaces import SpaceError
from models.supernet import LAST_GAMMA, SharedKernels, SharedStep, Supernet, single, weight_sets
from tests.models.made_up import CONV, K3E3, K5E3, K5E6, MBCONVS, SEP, SKIP, SPACE, images

CHANNELS = 4
SPECS = {op: BlockSpec(op, CHANNELS, CHANNELS, 6, 6) for op in MBCONVS}


def norm(x, layer):
    return F.batch_norm(x, layer.running_mean, layer.running_var, layer.weight, layer.bias)


@pytest.fixture
def shared(lively):
    return lively(SharedKernels(list(SPECS.values())))


def norms(shared, op):
    """The three BatchNorms of an MBConv."""
    branch = shared.block(SPECS[op]).branch
    return [branch[index] for index in (1, 4, 7)]


def features():
    return torch.randn(2, CHANNELS, 6, 6, generator=torch.Generator().manual_seed(0))


def test_the_weights_are_those_of_the_largest_candidate(shared):
    assert shared.kernels[0].shape == (24, 4, 1, 1)
    assert shared.kernels[1].shape == (24, 1, 5, 5)
    assert shared.kernels[2].shape == (4, 24, 1, 1)


def test_the_largest_candidate_uses_all_weights(shared):
    first, second, last = norms(shared, "mbconv_k5_e6")
    x = features()
    y = F.relu(norm(F.conv2d(x, shared.kernels[0]), first))
    y = F.relu(norm(F.conv2d(y, shared.kernels[1], padding=2, groups=24), second))
    expected = x + norm(F.conv2d(y, shared.kernels[2]), last)
    torch.testing.assert_close(shared(x, SPECS["mbconv_k5_e6"]), expected)


def test_the_smallest_uses_the_centre_of_the_kernels_and_half_of_the_channels(shared):
    first, second, last = norms(shared, "mbconv_k3_e3")
    x = features()
    y = F.relu(norm(F.conv2d(x, shared.kernels[0][:12]), first))
    centre = shared.kernels[1][:12, :, 1:4, 1:4]
    y = F.relu(norm(F.conv2d(y, centre, padding=1, groups=12), second))
    expected = x + norm(F.conv2d(y, shared.kernels[2][:, :12]), last)
    torch.testing.assert_close(shared(x, SPECS["mbconv_k3_e3"]), expected)


def test_a_small_kernel_is_a_large_one_whose_rim_is_zero(shared):
    for ours, theirs in zip(
        norms(shared, "mbconv_k5_e6"), norms(shared, "mbconv_k3_e6"), strict=True
    ):
        ours.load_state_dict(theirs.state_dict())
    small = shared(features(), SPECS["mbconv_k3_e6"])
    assert not torch.allclose(shared(features(), SPECS["mbconv_k5_e6"]), small)
    with torch.no_grad():
        shared.kernels[1][..., [0, 4], :] = 0
        shared.kernels[1][..., [0, 4]] = 0
    torch.testing.assert_close(shared(features(), SPECS["mbconv_k5_e6"]), small)


@pytest.mark.parametrize("op", MBCONVS)
def test_a_candidate_is_the_block_that_is_deployed(op, shared):
    """The stand-alone block, given the weights, computes the same: also when it trains."""
    block = build(BlockSpec(op, CHANNELS, CHANNELS, 6, 6))
    kernel, middle = int(op[8]), CHANNELS * int(op[11])
    rim = (5 - kernel) // 2
    expand, first, _, depthwise, second, _, project, last = block.branch
    with torch.no_grad():
        expand.weight.copy_(shared.kernels[0][:middle])
        depthwise.weight.copy_(shared.kernels[1][:middle, :, rim : 5 - rim, rim : 5 - rim])
        project.weight.copy_(shared.kernels[2][:, :middle])
    for ours, theirs in zip((first, second, last), norms(shared, op), strict=True):
        ours.load_state_dict(theirs.state_dict())
    torch.testing.assert_close(shared(features(), SPECS[op]), block.eval()(features()))
    torch.testing.assert_close(shared.train()(features(), SPECS[op]), block.train()(features()))


def test_every_candidate_has_batch_norms_of_its_own(shared):
    statistics = {op: [bn.running_mean.clone() for bn in norms(shared, op)] for op in MBCONVS}
    shared.train()(features(), SPECS["mbconv_k3_e6"])
    for op, before in statistics.items():
        moved = [
            not torch.equal(bn.running_mean, was)
            for bn, was in zip(norms(shared, op), before, strict=True)
        ]
        assert moved == [op == "mbconv_k3_e6"] * 3
    weights = {id(bn.weight) for op in MBCONVS for bn in norms(shared, op)}
    assert len(weights) == 4 * 3


def test_a_path_trains_its_part_of_the_weights_only(shared):
    shared(features(), SPECS["mbconv_k3_e3"]).sum().backward()
    grad = shared.kernels[1].grad
    assert grad[:12, :, 1:4, 1:4].abs().sum() > 0
    grad[:12, :, 1:4, 1:4] = 0
    assert grad.abs().sum() == 0
    assert shared.kernels[0].grad[12:].abs().sum() == 0
    assert shared.kernels[2].grad[:, 12:].abs().sum() == 0


def test_a_block_that_changes_the_geometry_keeps_its_weights_to_itself():
    specs = [BlockSpec(op, 4, 8, 6, 6, stride=2) for op in MBCONVS]
    assert weight_sets(specs) == [[spec] for spec in specs]
    assert SharedStep(specs)(features(), specs[1]).shape == (2, 8, 3, 3)


def test_fused_blocks_share_among_themselves():
    ops = ("fused_k3_e1", "mbconv_k3_e3", "fused_k5_e2", "mbconv_k5_e6")
    small, depthwise, large, wide = (BlockSpec(op, CHANNELS, CHANNELS, 6, 6) for op in ops)
    assert weight_sets([small, depthwise, large, wide]) == [[small, large], [depthwise, wide]]
    shared = SharedKernels([small, large])
    assert [tuple(kernel.shape) for kernel in shared.kernels] == [(8, 4, 5, 5), (4, 8, 1, 1)]
    dense, project = shared.kernels_of(small)
    assert torch.equal(dense, shared.kernels[0][:4, :, 1:4, 1:4])
    assert torch.equal(project, shared.kernels[1][:, :4])


def test_residual_branches_start_small_and_everything_else_as_usual():
    net = Supernet(SPACE)
    blocks = {op: net.steps[1].shared(spec).block(spec) for op, spec in of_first_decision()}
    lasts = [blocks[op].last_norm for op in ("sep_k3", "conv_k3", *MBCONVS)]
    assert all(bn.weight.tolist() == pytest.approx([LAST_GAMMA] * 4) for bn in lasts)
    others = [blocks["sep_k3"].branch[1], blocks["mbconv_k3_e3"].branch[1]]
    assert all((bn.weight == 1).all() for bn in others)
    stem = SPACE.steps[0].block
    assert (net.steps[0].shared(stem).block(stem).last_norm.weight == 1).all()


def of_first_decision():
    """Operation and block of every candidate."""
    return [(spec.op, spec) for spec in SPACE.decisions[0].candidates]


@pytest.mark.parametrize("op", range(7))
def test_every_operation_makes_logits(op, supernet):
    logits = supernet(images(), single([op] * 3))
    assert logits.shape == (2, 5)
    assert logits.isfinite().all()


def test_a_kernel_starts_as_that_of_a_convolution():
    torch.manual_seed(0)
    kernel = SharedKernels([BlockSpec("conv_k3", 64, 64, 4, 4)]).kernels[0]
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(64, 64, 3)
    assert kernel.std().item() == pytest.approx(conv.weight.std().item(), rel=0.02)


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
    mixed = supernet._decide(step, SPACE.decisions[0], x, options)
    specs = dict(of_first_decision())
    expected = 0.25 * step(x, specs["mbconv_k3_e3"]) + 0.75 * step(x, specs["sep_k3"])
    torch.testing.assert_close(mixed, expected)


def test_a_gate_of_zero_leaves_the_other_path_and_its_gradient(supernet):
    """The two-path estimator: the second path adds nothing but a gradient to its gate."""
    zero = torch.zeros((), requires_grad=True)
    rest = [[(SEP, None)], [(CONV, None)]]
    logits = supernet(images(), [[(K5E6, None), (SKIP, zero)], *rest])
    torch.testing.assert_close(logits, supernet(images(), single((K5E6, SEP, CONV))))
    (grad,) = torch.autograd.grad(logits.square().sum(), zero)
    assert grad.abs() > 0


ELASTIC = mbconv(
    input_shape=(3, 12, 8),
    classes=5,
    operations=["skip", "sep_k3", *MBCONVS, "conv_k3"],
    stem_width=None,
    stem_stride=2,
    widths=[(2, 4), 8, (6, 12)],
    depths=[1, 1, 1],
    head_width=16,
    act="relu",
)


@torch.no_grad()
@pytest.mark.parametrize("op", range(7))
@pytest.mark.parametrize("widths", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_a_narrow_path_is_the_network_of_its_widths(op, widths, lively):
    """Every operation at every choice of widths computes what the stand-alone network does."""
    supernet = lively(Supernet(ELASTIC))
    choices = (op, op, op, *widths)
    net = inherit(supernet, ELASTIC, choices).eval()
    assert net[0].branch[0].out_channels == (2, 4)[widths[0]]
    torch.testing.assert_close(net(images()), supernet(images(), single(choices)))


def test_a_narrow_stage_runs_on_the_first_channels_of_the_widest():
    wide, narrow = (BlockSpec("conv_k3", w, w, 6, 6) for w in (4, 2))
    shared = SharedKernels([narrow, wide])
    assert torch.equal(shared.kernels_of(narrow)[0], shared.kernels[0][:2, :2])
    shared(features()[:, :2], narrow).sum().backward()
    grad = shared.kernels[0].grad
    assert grad[:2, :2].abs().sum() > 0
    grad[:2, :2] = 0
    assert grad.abs().sum() == 0


def test_a_transition_has_norms_for_what_it_gives_not_for_what_it_takes():
    down = [step.block for steps in ELASTIC.variants.values() for step in steps[2:3]]
    shared = SharedKernels(down)  # from 2 or 4 channels to 8
    assert [spec.in_channels for spec in down] == [2, 2, 4, 4]
    assert len(shared.blocks) == 1


def test_a_stage_cannot_run_at_two_widths_at_once(lively):
    supernet = lively(Supernet(ELASTIC))
    gate = torch.tensor(0.5)
    widths = [[(0, gate), (1, gate)], [(0, None)]]
    with pytest.raises(SpaceError, match="reinforce-cv"):
        supernet(images(), [*single((SKIP, SKIP, SKIP)), *widths])
