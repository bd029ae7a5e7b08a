"""A whole search on made-up images: steps, checkpoints and the lower level's paths."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision

from models.supernet import Supernet
from pipeline import store
from pipeline.accelerator import NoAccelerator
from pipeline.batches import Augmentation
from pipeline.dataset import Dataset
from pipeline.params import Params, SearchParams
from pipeline.search import stage, state
from pipeline.search.curves import Curves
from pipeline.search.methods import METHODS, Random
from pipeline.search.objective import Costs
from pipeline.search.prices import latency_ms
from pipeline.search.stage import Search, summarise
from pipeline.search.weights import rate
from pipeline.training import TrainingDiverged
from tests.pipeline.made_up import Silent, small_space

OPS = ("skip", "sep_k3", "mbconv_k3_e3", "conv_k3")
SHAPE = {"classes": 2, "widths": [4, 8], "depths": [2, 1]}
SPACE = small_space(*OPS, **SHAPE)
COSTS = Costs(
    latency_ms=torch.tensor([[0.0, 1.0, 3.0, 2.0]] * 3)[..., None],
    offset_ms=torch.tensor(2.0),
    stage=torch.zeros(3, dtype=torch.int64),
    reg=torch.ones(3, 4),
    mask=torch.ones(3, 4, dtype=torch.bool),
)
PARAMS = SearchParams(
    device="cpu",
    batch_size=16,
    warmup_epochs=2,
    joint_steps=6,
    hypernet={"hidden": [8]},
    reinforce={"paths": 2, "points": 4, "prepared": 8},
    checkpoint_steps=3,
)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 160)
    x = rng.integers(0, 60, (160, 8, 8, 1)) + 120 * y[:, None, None, None]
    parts = np.split(np.arange(160), [64, 128])
    return Dataset(
        x.astype(np.uint8), y, x[:10].astype(np.uint8), y[:10], ("dark", "bright"), *parts
    )


def run(data, path, params=PARAMS):
    return search_for(data, params).run(path, path.with_suffix(".warm.pt"))


def search_for(data, params=PARAMS):
    return Search(SPACE, data, COSTS, params, Augmentation(0, False), Curves(Silent()))


def test_a_killed_search_ends_as_if_it_had_not_been_killed(data, tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "_LOG_STEPS", 2)
    unkilled = search_for(data)
    whole = unkilled.run(tmp_path / "whole.pt", tmp_path / "whole.warm.pt")

    class Killed(RuntimeError):
        pass

    for limit in (0, 1):  # in the warm-up (8 steps), then in the joint phase
        search = search_for(data)
        saves = []
        original = search._save

        def save(path, original=original, saves=saves, limit=limit):
            original(path)
            saves.append(path)
            if len(saves) > limit:
                raise Killed

        search._save = save
        with pytest.raises(Killed):
            search.run(tmp_path / "killed.pt", tmp_path / "killed.warm.pt")
    last = search_for(data)
    resumed = last.run(tmp_path / "killed.pt", tmp_path / "killed.warm.pt")
    assert last.curves.points == unkilled.curves.points != []
    assert resumed.kappa_range == whole.kappa_range
    for name, value in whole.supernet.state_dict().items():
        assert torch.equal(value, resumed.supernet.state_dict()[name]), name
    for name, value in whole.alpha.state_dict().items():
        assert torch.equal(value, resumed.alpha.state_dict()[name]), name


def test_methods_share_the_warm_up_and_each_is_charged_for_it(data, tmp_path, monkeypatch):
    warmed = tmp_path / "warm.pt"
    first = search_for(data)
    first.run(tmp_path / "simplex.pt", warmed)
    other = PARAMS.model_copy(update={"method": "random", "reg_weight": 2.0})
    alone = run(data, tmp_path / "alone.pt", other)
    monkeypatch.setattr(Search, "_warm_up", lambda self, checkpoint: None)
    second = search_for(data, other)
    shared = second.run(tmp_path / "random.pt", warmed)
    assert second.cpu.spent_s["warm_up"] >= first.cpu.spent_s["warm_up"] > 0
    for name, value in alone.supernet.state_dict().items():
        assert torch.equal(value, shared.supernet.state_dict()[name]), name


def test_a_finished_search_that_is_read_again_costs_its_method_nothing(data, tmp_path):
    first = search_for(data)
    whole = first.run(tmp_path / "c.pt", tmp_path / "warm.pt")
    written = (tmp_path / "c.pt").stat().st_mtime_ns
    again = search_for(data)
    result = again.run(tmp_path / "c.pt", tmp_path / "warm.pt")
    assert again.cpu.spent_s == first.cpu.spent_s
    assert (tmp_path / "c.pt").stat().st_mtime_ns == written
    for name, value in whole.alpha.state_dict().items():
        assert torch.equal(value, result.alpha.state_dict()[name]), name


def test_a_killed_warm_up_that_another_search_finished_is_not_repeated(data, tmp_path):
    """Of a search that was killed in it; what it did by then is not lost where none is finished."""
    early = search_for(data)
    early.weights.step((0, 0, 0))
    early._save(tmp_path / "killed.pt")
    assert stage._furthest(tmp_path / "killed.pt", tmp_path / "warm.pt")["weights"]["done"] == 1
    run(data, tmp_path / "other.pt")
    (tmp_path / "other.warm.pt").rename(tmp_path / "warm.pt")
    assert stage._furthest(tmp_path / "killed.pt", tmp_path / "warm.pt")["weights"]["done"] == 8
    assert stage._furthest(tmp_path / "other.pt", tmp_path / "warm.pt")["method"]["done"] == 6


def test_diverged_weights_say_which_rate_to_lower(data, tmp_path):
    hot = PARAMS.model_copy(update={"weights": PARAMS.weights.model_copy(update={"lr": 1e12})})
    with pytest.raises(TrainingDiverged, match=r"shared weights diverged: .*search\.weights\.lr"):
        run(data, tmp_path / "c.pt", hot)


def test_a_method_that_diverged_names_its_round(data, tmp_path, monkeypatch):
    params = PARAMS.model_copy(update={"method": "random"})
    monkeypatch.setattr(Random, "loss_on", lambda *_: lambda selection: torch.tensor(torch.nan))
    with pytest.raises(
        TrainingDiverged, match=r"loss of round 1 of random is nan; .*search\.kappa"
    ):
        run(data, tmp_path / "c.pt", params)


def test_the_scale_of_fp16_outlives_a_kill(data, tmp_path):
    def of_fp16():
        search = search_for(data)
        search.fabric = Fabric(
            accelerator="cpu", devices=1, plugins=MixedPrecision("16-mixed", "cpu")
        )
        return search, search.fabric.strategy.precision.scaler

    search, scaler = of_fp16()
    scaler.scale(torch.ones(()))
    scaler.update(8.0)
    search._save(tmp_path / "c.pt")
    other, scaler = of_fp16()
    other._restore(store.load(tmp_path / "c.pt"))
    assert scaler.get_scale() == 8.0


def test_what_decides_a_warm_up():
    essentials = stage.warm_up_essentials
    assert essentials(PARAMS.model_copy(update={"reg_weight": 2.0})) == essentials(PARAMS)
    for change in ({"seed": 1}, {"warmup_epochs": 3}, {"joint_steps": 7}, {"weight_steps": 2}):
        assert essentials(PARAMS.model_copy(update=change)) != essentials(PARAMS), change


def test_a_result_reads_back_and_belongs_to_its_space(data, tmp_path):
    result = run(data, tmp_path / "c.pt")
    state.save(result, SPACE, PARAMS, tmp_path / "search.pt")
    again = state.load(SPACE, PARAMS, tmp_path / "search.pt")
    point = torch.tensor([[0.1, 0.2, 0.3, 0.4]])
    kappa = torch.tensor([0.1])
    assert torch.equal(again.alpha(point, kappa), result.alpha(point, kappa))
    for changes in ({"widths": [4, 4]}, {"head_width": 16}):
        other = small_space(*OPS, **(SHAPE | changes))
        with pytest.raises(state.SearchResultError, match="another space"):
            state.load(other, PARAMS, tmp_path / "search.pt")
    with pytest.raises(state.SearchResultError, match="dvc repro search"):
        state.load(SPACE, PARAMS, tmp_path / "none.pt")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"method": "random"}, "search.method"),
        ({"hypernet": {"hidden": [16]}}, "search.hypernet"),
        ({"hypernet": {"hidden": [8], "logit_bound": 4.0}}, "search.hypernet"),  # it would fit
        ({"temperature": 0.1}, "search.temperature"),
    ],
)
def test_a_result_belongs_to_what_was_searched_with(changes, name, tmp_path):
    alpha = METHODS["simplex"].blank(SPACE, PARAMS, (0.1, 1.0))
    path = tmp_path / "search.pt"
    state.save(state.Result(Supernet(SPACE), alpha, (0.1, 1.0), 1.0), SPACE, PARAMS, path)
    unread = PARAMS.model_copy(update={"checkpoint_steps": 9, "searches": 2})
    assert state.load(SPACE, unread, path).reference_ms == 1.0
    other = SearchParams.model_validate(PARAMS.model_dump() | changes)
    with pytest.raises(state.SearchResultError, match=rf"another .*{name}.* dvc repro search"):
        state.load(SPACE, other, path)


def test_a_search_on_what_is_not_here_ends_before_it_reads_anything(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(NoAccelerator, match=r"finds no cuda.*search\.device: auto"):
        stage.run(Params(search={"device": "cuda"}))


def test_a_fixed_price_is_kept_and_an_automatic_one_is_positive(data, tmp_path):
    fixed = PARAMS.model_copy(update={"kappa": (0.2, 0.2)})
    assert run(data, tmp_path / "fixed.pt", fixed).kappa_range == (0.2, 0.2)
    low, high = run(data, tmp_path / "auto.pt").kappa_range
    assert 0 < low < high


def test_the_summary_speaks_of_both_ends_of_the_price(data, tmp_path):
    numbers = summarise(run(data, tmp_path / "c.pt"), SPACE, COSTS)
    assert 2.0 <= numbers["latency_ms_at_kappa_max"] <= 2.0 + 3 * 3.0
    assert 0 <= numbers["entropy_at_kappa_min"] <= np.log(4) + 1e-6


def test_the_latency_of_a_path_is_a_sum():
    assert latency_ms((0, 1, 2), COSTS) == pytest.approx(2 + 0 + 1 + 3)


def test_the_rate_rises_then_falls_to_zero():
    rates = [rate(step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(1 / 5)
    assert rates[4] == rates[5] == 1.0
    assert all(one >= other for one, other in pairwise(rates[5:]))
    assert rate(100, 100) == pytest.approx(0.0)
