"""Every method of search, on the small space and on one with elastic widths."""

from itertools import product

import numpy as np
import pytest
import torch

from models.alpha import Uniform
from pipeline.batches import Augmentation
from pipeline.dataset import Dataset
from pipeline.params import Params, ParamsError, SearchParams, load
from pipeline.search import state
from pipeline.search.curves import Curves
from pipeline.search.methods import METHODS, method
from pipeline.search.methods.closed_form import ClosedForm
from pipeline.search.objective import Costs, entropy, expected_latency_ms, objective, one_hot
from pipeline.search.stage import Search, summarise
from tests.pipeline.made_up import Silent, small_space

OPS = ("skip", "sep_k3", "mbconv_k3_e2", "conv_k3")
FIXED = small_space(*OPS, classes=2, widths=[4, 8], depths=[2, 1])
ELASTIC = small_space(*OPS, classes=2, stem_width=None, widths=[(2, 4), (4, 8)], depths=[2, 1])
KAPPA = (0.05, 5.0)


def costs_of(space):
    """Any prices: the wider the dearer."""
    draws = torch.Generator().manual_seed(0)
    widths = [len(space.widths[stage]) for stage in space.elastic]
    shape = (len(space.decisions), len(space.operations), max(widths, default=1))
    latency = torch.rand(shape, generator=draws).cumsum(2)
    latency[:, 0] = 0  # skip
    offset = 1 + torch.rand(widths, generator=draws)
    known = {stage: w for w, stage in enumerate(space.elastic)}
    stage = torch.tensor([known.get(d.stage, len(known)) for d in space.decisions])
    reg = 0.5 + torch.rand(shape[:2], generator=draws)
    return Costs(latency, offset, stage, reg, torch.from_numpy(space.mask))


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 160)
    x = (rng.integers(0, 60, (160, 8, 8, 1)) + 120 * y[:, None, None, None]).astype(np.uint8)
    parts = np.split(np.arange(160), [64, 128])
    return Dataset(x, y, x[:10], y[:10], ("dark", "bright"), *parts)


def params_of(name, **changes):
    small = {
        "device": "cpu",
        "batch_size": 16,
        "warmup_epochs": 1,
        "joint_steps": 6,
        "hypernet": {"hidden": [8], "rehearsal": 3},
        "reinforce": {"paths": 2, "points": 4, "prepared": 16},
        "searches": 2,
        "evolution": {"population": 4, "tournament": 2, "networks": 2, "images": 20},
        "checkpoint_steps": 3,
    }
    return SearchParams(method=name, **(small | changes))


def search_for(space, data, params):
    return Search(space, data, costs_of(space), params, Augmentation(0, False), Curves(Silent()))


def run(search, checkpoint):
    return search.run(checkpoint, checkpoint.with_suffix(".warm.pt"))


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """The result of a search that nobody killed, made once."""
    known = {}

    def result(space, params):
        key = (space is ELASTIC, params.model_dump_json())
        if key not in known:
            folder = tmp_path_factory.mktemp("whole")
            known[key] = run(search_for(space, data, params), folder / "whole.pt")
        return known[key]

    return result


@pytest.mark.parametrize("space", [FIXED, ELASTIC], ids=["fixed", "elastic"])
@pytest.mark.parametrize("name", METHODS)
def test_every_method_ends_in_an_alpha_that_reads_back(name, space, whole, tmp_path):
    params = params_of(name)
    result = whole(space, params)
    state.save(result, space, params, tmp_path / "search.pt")
    again = state.load(space, params, tmp_path / "search.pt")
    points, prices = torch.full((2, 4), 0.25), torch.tensor([0.1, 1.0])
    logits = result.alpha(points, prices)
    assert logits.shape == (2, *space.mask.shape)
    assert torch.equal(again.alpha(points, prices), logits)
    assert torch.isfinite(logits[:, torch.from_numpy(space.mask)]).all()
    assert (logits[:, ~torch.from_numpy(space.mask)] == -torch.inf).all()


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true"])  # 16-mixed: not on CPUs
@pytest.mark.parametrize("name", METHODS)
def test_every_method_ends_in_every_precision(name, precision, data, tmp_path):
    params = params_of(name, precision=precision)
    search = search_for(ELASTIC, data, params)
    result = run(search, tmp_path / "c.pt")
    assert 0 < result.kappa_range[0] < result.kappa_range[1]
    state.save(result, ELASTIC, params, tmp_path / "search.pt")
    again = state.load(ELASTIC, params, tmp_path / "search.pt")
    numbers = summarise(again, ELASTIC, search.costs)
    assert numbers == summarise(result, ELASTIC, search.costs)
    assert all(map(np.isfinite, numbers.values()))


INSIDE = {"joint_steps": 6, "checkpoint_steps": 2}  # in the middle of the first of two searches


@pytest.mark.parametrize(
    "params",
    [
        *(params_of(name) for name in METHODS),
        params_of("darts", darts={"order": 2, "start": "scratch"}, **INSIDE),
        params_of("fbnet", fbnet={"weights_first": 0.5}, **INSIDE),
        params_of("proxylessnas", proxylessnas={"latency": "mul"}),
    ],
    ids=lambda params: params.method,
)
def test_a_killed_method_ends_as_if_it_had_not_been_killed(params, whole, data, tmp_path):
    unkilled = whole(ELASTIC, params)
    search = search_for(ELASTIC, data, params)
    save = search._save

    def save_and_die(path):
        save(path)
        if search.method is not None:
            raise KeyboardInterrupt

    search._save = save_and_die
    with pytest.raises(KeyboardInterrupt):
        run(search, tmp_path / "killed.pt")
    assert search.method.done == params.checkpoint_steps
    resumed = run(search_for(ELASTIC, data, params), tmp_path / "killed.pt")
    for name_, value in unkilled.alpha.state_dict().items():
        assert torch.equal(value, resumed.alpha.state_dict()[name_]), name_
    for name_, value in unkilled.supernet.state_dict().items():
        assert torch.equal(value, resumed.supernet.state_dict()[name_]), name_


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("darts", {"darts": {"adam": {"lr": 0.1}}}),
        ("fbnet", {"fbnet": {"adam": {"lr": 0.1}, "weights_first": 0.0}}),
        ("proxylessnas", {"proxylessnas": {"adam": {"lr": 0.1}}}),
        ("proxylessnas", {"proxylessnas": {"adam": {"lr": 0.1}, "latency": "mul"}}),
        ("proxylessnas-r", {"proxylessnas": {"adam": {"lr": 0.1}, "paths": 8}}),
        ("evolution", {}),
    ],
)
def test_a_high_price_buys_faster_networks(name, options, data, tmp_path):
    params = params_of(name, joint_steps=40, checkpoint_steps=100, kappa=(0.001, 20.0), **options)
    search = search_for(ELASTIC, data, params)
    alpha = run(search, tmp_path / "c.pt").alpha
    cheap, dear = expected_latency_ms(alpha(torch.full((2, 4), 0.25), alpha.prices).softmax(-1),
                                      search.costs)  # fmt: skip
    assert dear < 0.9 * cheap


def test_a_rehearsed_hypernetwork_is_as_good_as_the_closed_form_of_what_is_known(data):
    """On the objective itself, without an image: within a tenth of the way from uniform α to it."""
    hypernet = {"hidden": [16], "rehearsal": 600, "lr": 0.01}
    search = search_for(ELASTIC, data, params_of("simplex", hypernet=hypernet))
    method = search._begin((0.05, 5.0))
    points, prices = method.sample(64, "test")
    values = torch.randn(ELASTIC.mask.shape, generator=torch.Generator().manual_seed(0))
    values = values.masked_fill(~search.costs.mask, 0)
    method._estimator.prepare = lambda paths, losses: None
    method._estimator.known = lambda logits: (logits.softmax(-1) * values).sum((-2, -1))
    exact = ClosedForm(ELASTIC, method.setting.params.reg_weight, temperature=1e-3)
    exact.set(values, search.costs)

    def loss_of(alpha):
        p = alpha(points, prices).detach().softmax(-1)
        weight = method.setting.params.reg_weight
        known = (p * values).sum((-2, -1))
        return float(objective(known, p, points, prices, search.costs, weight).mean())

    uniform = loss_of(method.net)
    method.prepare()
    assert loss_of(exact) <= loss_of(method.net) < loss_of(exact) + 0.1 * (uniform - loss_of(exact))


@pytest.mark.parametrize(("rehearsal", "lr"), [(3, 0.0002), (0, 0.01)])
def test_what_was_rehearsed_is_learned_on_slowly(data, rehearsal, lr):
    hypernet = {"hidden": [8], "rehearsal": rehearsal, "lr": 0.01, "rehearsed_lr": 0.0002}
    search = search_for(FIXED, data, params_of("simplex", hypernet=hypernet))
    method = search._begin((0.05, 5.0))
    method.prepare()
    assert [group["lr"] for group in method.optimizer.param_groups] == [lr]


def test_a_higher_temperature_keeps_more_entropy(data):
    def entropy_at(temperature):
        hypernet = {"hidden": [16], "rehearsal": 300, "lr": 0.01}
        search = search_for(
            FIXED, data, params_of("simplex", hypernet=hypernet, temperature=temperature)
        )
        method = search._begin((0.05, 5.0))
        method.prepare()
        return float(entropy(method.net(*method.sample(64, "test")).detach().softmax(-1)).mean())

    even = len(FIXED.decisions) * np.log(len(FIXED.operations))
    assert entropy_at(1e-4) < 0.7 * entropy_at(0.3) < 0.7 * even


def test_random_prefers_nothing(data, tmp_path):
    alpha = run(search_for(ELASTIC, data, params_of("random")), tmp_path / "c.pt").alpha
    assert isinstance(alpha, Uniform)
    p = alpha(torch.rand(3, 4), torch.rand(3)).softmax(-1)
    expected = ELASTIC.mask / ELASTIC.mask.sum(1, keepdims=True)
    assert p.tolist() == pytest.approx(np.stack([expected] * 3))


def test_at_a_single_level_the_method_learns_from_the_images_of_the_weights(data):
    one, two = (
        search_for(FIXED, data, params_of("simplex", level=level))
        for level in ("bilevel", "single")
    )
    assert (len(one.images), len(two.images)) == (64, 64)
    first = [search.images.take(slice(0, 1))[0] for search in (one, two)]
    weights = one.weights.images.take(slice(0, 1))[0]
    assert not torch.equal(first[0], weights)
    assert torch.equal(first[1], weights)


@pytest.mark.parametrize("space", [FIXED, ELASTIC], ids=["fixed", "elastic"])
def test_the_argmax_of_the_closed_form_is_the_best_of_all_networks(space):
    """By trying all of them, at several points and prices."""
    costs, draws = costs_of(space), torch.Generator().manual_seed(1)
    values = torch.randn(space.mask.shape, generator=draws).masked_fill(~costs.mask, 0)
    alpha = ClosedForm(space, reg_weight=0.7, temperature=0.01)
    alpha.set(values, costs)
    everything = list(product(*(np.flatnonzero(row).tolist() for row in space.mask)))
    for _ in range(5):
        point = torch.rand(4, generator=draws)
        point = point / point.sum()
        kappa = torch.rand(1, generator=draws) * 3

        def loss(choices, point=point, kappa=kappa[0]):
            p = one_hot(choices, costs)
            cross_entropy = (p * values).sum()
            return float(objective(cross_entropy, p, point, kappa, costs, reg_weight=0.7))

        best = min(everything, key=loss)
        assert tuple(alpha(point[None], kappa).argmax(-1)[0].tolist()) == best


def test_the_closed_form_by_hand():
    """One place of two operations: v 0.5 and 0.2, latency 0 and 1 beside an offset of 1 ms."""
    space = small_space("skip", "conv_k3", depths=[1])
    costs = Costs(
        latency_ms=torch.tensor([[[0.0], [1.0]]]),
        offset_ms=torch.tensor(1.0),
        stage=torch.tensor([0]),
        reg=torch.ones(1, 2),
        mask=torch.ones(1, 2, dtype=torch.bool),
    )
    alpha = ClosedForm(space, reg_weight=0.4, temperature=0.1)
    alpha.set(torch.tensor([[0.5, 0.2]]), costs)
    logits = alpha(torch.tensor([[0.25, 0.75]]), torch.tensor([1.0]))[0, 0]
    # ref = 1.5; skip: 0.5 / 2 + 0.4 * 0.25; dense: (0.2 + 1 / 1.5) / 2 + 0.4 * 0.75
    skip, dense = 0.25 + 0.1, (0.2 + 1 / 1.5) / 2 + 0.3
    assert (logits[0] - logits[1]).item() == pytest.approx((dense - skip) / 0.1, rel=1e-5)


@pytest.mark.parametrize("estimator", ["two-path", "straight-through"])
def test_elastic_widths_have_no_gates(estimator, tmp_path):
    (tmp_path / "params.yaml").write_text(
        f"space: {{stem_width: null, widths: [[8, 16]], depths: [2]}}\n"
        f"search: {{estimator: {estimator}}}\nextract: {{points: {{}}}}\n"
    )
    with pytest.raises(ParamsError, match=r"search\.estimator: .*two widths.*reinforce-cv"):
        load(tmp_path / "params.yaml")


def test_a_method_without_an_estimator_does_not_care_which_one_is_named():
    Params(search={"method": "darts", "estimator": "two-path"})  # the default space is elastic


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="registered twice"):
        method("simplex")(object)
