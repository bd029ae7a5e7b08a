"""Settings of the named baselines that cannot work are refused before anything runs."""

import pytest
from pydantic import ValidationError

from pipeline.params import SearchParams


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "darts", "joint_steps": 5}, "raise joint_steps"),
        *(
            (
                {"method": "darts", "darts": {"order": 2}, "precision": precision},
                f"{precision} is too coarse: write precision: 32-true",
            )
            for precision in ("16-mixed", "bf16-mixed", "bf16-true")
        ),
        ({"method": "evolution", "joint_steps": 150}, "judges 100 networks"),  # 25 rounds of 4
        ({"evolution": {"population": 20}}, "tournament = 25 is above population = 20"),
        ({"method": "fbnet", "joint_steps": 6}, "weights_first = 0.11 of the 1 rounds"),
        ({"method": "fbnet", "fbnet": {"weights_first": 1}}, "leaves none that learns the logits"),
        ({"fbnet": {"decay": 1}}, "falls to 4.1e-39 over the 90 epochs"),
        ({"fbnet": {"weights": {"lr": 0.1, "final_lr": 0.2}}}, "final_lr = 0.2 is above lr"),
    ],
)
def test_what_cannot_work_is_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        SearchParams(**changes)


def test_other_methods_do_not_care():
    for name in ("simplex", "random"):
        SearchParams(method=name, joint_steps=1, darts={"order": 2}, precision="16-mixed")
    SearchParams(method="evolution", joint_steps=156)  # 26 rounds of 4
    SearchParams(method="fbnet", joint_steps=12)  # one round of two


def test_one_price_is_one_search_however_many_were_asked_for():
    SearchParams(method="evolution", joint_steps=26, kappa=(0.3, 0.3))
    SearchParams(method="darts", joint_steps=5, kappa=(0.3, 0.3))
    with pytest.raises(ValidationError, match="of 1 in all, judges 100 networks"):
        SearchParams(method="evolution", joint_steps=25, kappa=(0.3, 0.3))


def test_what_only_other_methods_read_does_not_make_a_search_another_one():
    sections = {"darts", "proxylessnas", "fbnet", "evolution"}
    points = {"sampler", "reg_weight", "reg_cost"}
    ours = {"hypernet", "estimator", "reinforce", "temperature"} | points
    none = sections | {"searches"}
    assert SearchParams(method="simplex").unread == none
    assert SearchParams(method="additive").unread == none | {"hypernet", "estimator"}
    assert SearchParams(method="random").unread == none | ours
    assert SearchParams(method="fbnet").unread == ours | sections - {"fbnet"}
    assert SearchParams(method="proxylessnas-r").unread == ours | sections - {"proxylessnas"}
    assert sections | ours < set(SearchParams.model_fields)


@pytest.mark.parametrize(
    ("method", "changes"),
    [
        ("simplex", {"checkpoint_steps": 7}),
        ("simplex", {"prices": "calibrate"}),  # the table itself is in the key
        ("simplex", {"hypernet": {"knots": 7, "width": 0.5}}),
        ("simplex", {"sampler": {"concentration": 2.0}}),
        ("additive", {"hypernet": {"hidden": [8]}}),
        *(
            (method, {"reg_weight": 2.0, "reg_cost": "macs", "sampler": {"theta": {"skip": 1.0}}})
            for method in ("random", "darts", "fbnet", "proxylessnas", "evolution")
        ),
    ],
)
def test_what_decides_nothing(method, changes):
    assert SearchParams(method=method, **changes).decisive == SearchParams(method=method).decisive


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "additive"},
        {"reg_weight": 2.0},
        {"sampler": {"theta": {"skip": 1.0}}},
        {"sampler": {"kind": "dirichlet"}},
        {"hypernet": {"hidden": [8]}},
        {"hypernet": {"kind": "pivots"}},
        {"kappa": (0.1, 0.2)},
        {"weights": {"lr": 0.2}},
    ],
)
def test_what_decides_a_search(changes):
    assert SearchParams(**changes).decisive != SearchParams().decisive


def test_of_a_kind_only_its_own_keys_decide():
    def decisive(kind, **changes):
        return SearchParams(hypernet={"kind": kind, **changes}).decisive["hypernet"]

    assert decisive("pivots", hidden=[8]) == decisive("pivots") != decisive("pivots", width=0.5)
    assert decisive("constant", knots=9) == decisive("constant")
    sampler = SearchParams(sampler={"kind": "dirichlet", "theta": {"skip": 2.0}}).decisive[
        "sampler"
    ]
    assert sampler == {"kind": "dirichlet", "concentration": 1.0, "vertex_share": 0.2}


def test_one_key_of_an_optimiser_leaves_the_others_as_the_paper_has_them():
    changed = {"adam": {"beta2": 0.99}, "weights": {"clip": 1.0}}
    darts, fbnet = SearchParams(darts=changed).darts, SearchParams(fbnet=changed).fbnet
    assert (darts.adam.lr, darts.adam.beta1, darts.adam.weight_decay) == (3e-4, 0.5, 1e-3)
    assert (darts.weights.lr, darts.weights.final_lr) == (0.025, 0.001)
    assert (darts.weights.momentum, darts.weights.weight_decay) == (0.9, 3e-4)
    assert (fbnet.adam.lr, fbnet.adam.weight_decay, fbnet.weights.lr) == (0.01, 5e-4, 0.1)
    adam = SearchParams().proxylessnas.adam
    assert (adam.lr, adam.beta1, adam.weight_decay) == (1e-3, 0.0, 0.0)
