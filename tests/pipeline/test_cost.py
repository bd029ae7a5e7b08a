import pytest

from pipeline import cost
from pipeline.params import Params, load
from pipeline.sections.data import Outline
from pipeline.sources.listing import outline

FASHION = Outline(60_000, 28, 28)
INT8 = [{"precision": "int8"}, {"runtime": "litert", "precision": "int8"}]


def test_activations_are_summed_over_stages():
    space = Params(space={"widths": [8, 16], "depths": [2, 3]}).space
    # stem stride 2: 28 -> 14; then 14 -> 7
    assert cost.activations(space, FASHION) == 2 * 8 * 14**2 + 3 * 16 * 7**2  # 3136 + 2352


def test_images_may_be_of_any_size():
    space = Params(space={"widths": [8, 16], "depths": [1, 1], "stem_stride": 2}).space
    # 96 x 33 -> 48 x 17 -> 24 x 9
    assert cost.activations(space, Outline(1, 96, 33)) == 8 * 48 * 17 + 16 * 24 * 9


def test_odd_sides_are_rounded_up():
    space = Params(space={"widths": [1, 1, 1], "depths": [1, 1, 1]}).space
    assert cost.activations(space, FASHION) == 14**2 + 7**2 + 4**2


def test_members_are_points_and_budgets():
    points = {"a": {"ops": {"skip": 1}, "kappa": 1}}
    automatic = Params(extract={"points": points, "budget_count": 4})
    listed = Params(extract={"points": points, "budgets_ms": [1, 2]})
    assert [cost.member_count(p) for p in (automatic, listed)] == [5, 3]


def test_retraining_is_images_times_activations():
    params = Params(
        extract={"budget_count": 2},
        retrain={"epochs": 3},
        space={"widths": [8], "depths": [2]},
    )
    images = 2 * 3 * 54_000  # those to learn from: weights and architecture
    expected = images * 2 * 8 * 14**2 * cost.RETRAIN_S / 60
    assert cost.estimate(params, FASHION).stages["retrain"] == pytest.approx(expected)


def test_both_arms_are_screened_and_judged_on_the_images_of_the_judge():
    """Judging takes 2000 images for statistics and 3000 for the cross-entropy."""
    extract = {"candidates": 1000, "screened": 10, "finalists": 3}
    params = Params(space={"widths": [8], "depths": [2]}, extract=extract)
    images = 2 * (10 * 500 + 3 * (2000 + 3000))
    expected = (1000 * cost.CANDIDATE_S + images * 2 * 8 * 14**2 * cost.JUDGE_S) / 60
    assert cost.estimate(params, FASHION).stages["extract"] == pytest.approx(expected)


def test_every_target_is_exported_to_and_measured():
    one, two = (
        cost.estimate(Params.model_validate({"targets": targets}), FASHION).stages
        for targets in ([{}], [{}, {"runtime": "litert"}])
    )
    members = cost.member_count(Params())
    assert two["verify"] == pytest.approx(2 * one["verify"])
    litert_s = cost.MEMBER_EXPORT_S["litert"] + cost.CONVERTED_S  # fp32 and int8
    assert two["export"] - one["export"] == pytest.approx(members * litert_s / 60)
    assert two["profile"] == one["profile"]


def test_int8_blocks_are_converted_and_a_member_has_each_file_once():
    fp32, int8, both = (
        cost.estimate(
            Params.model_validate(
                {"targets": [{"precision": p} for p in of], "export": {"precisions": ["fp32"]}}
            ),
            FASHION,
        ).stages
        for of in (["fp32"], ["int8"], ["fp32", "int8"])
    )
    chains = 2 * 6 * 6  # two lengths, six operations beside skip, two widths of three stages
    networks = 8 + 10 + 20
    converted_s = cost.CONVERT_S * (chains + networks)
    assert int8["profile"] - fp32["profile"] == pytest.approx(converted_s / 60)
    assert int8["export"] == both["export"] > fp32["export"]


def test_timing_on_a_board_takes_none_of_this_machine():
    """Members: 1. A member: 0.3 s to start, 3 s to warm up, 5 blocks of 2 s."""
    verify = {"warmup_s": 3, "blocks": 5, "block_s": 2}
    profile = {"anchors": 2, "heldout": 1, "warmup_s": 0, "blocks": 5, "block_s": 0.1}
    # chains: 1 priced operation x 1 width x 2 lengths; networks: a base and 3: 6 x 0.8 s
    options = {
        "space": {"operations": ["skip", "conv_k3"], "widths": [8], "depths": [2]},
        "profile": profile,
        "extract": {"budget_count": 1},
        "verify": verify,
    }

    def of(*devices):
        targets = [{"device": name, "threads": n} for n, name in enumerate(devices, 1)]
        return cost.estimate(Params.model_validate({**options, "targets": targets}), FASHION)

    here, there, both = of("local"), of("pi"), of("pi", "local", "jetson")
    assert here.boards == {}
    assert there.boards == pytest.approx({"pi": (4.8 + 13.3) / 60})
    assert here.stages["profile"] - there.stages["profile"] == pytest.approx(4.8 / 60)
    assert there.stages["verify"] == 0
    assert both.boards == pytest.approx({"pi": (4.8 + 13.3) / 60, "jetson": 13.3 / 60})
    assert both.stages["verify"] == pytest.approx(13.3 / 60)


def test_it_is_told_in_a_line_per_machine():
    assert str(cost.Cost({"profile": 1.5, "search": 2.5}, {"pi": 3.2})) == (
        "roughly 4 CPU minutes if nothing is cached: profile 1.5, search 2.5\n"
        "on the board pi: roughly 3 minutes of timing"
    )


@pytest.mark.parametrize(
    ("change", "stage"),
    [
        ({"targets": [{"runtime": "litert"}, *INT8, {}]}, "profile"),
        ({"profile": {"anchors": 100}}, "profile"),
        ({"search": {"warmup_epochs": 20}}, "search"),
        ({"search": {"joint_steps": 5000}}, "search"),
        ({"extract": {"finalists": 500}}, "extract"),
        ({"retrain": {"epochs": 20}}, "retrain"),
        ({"verify": {"block_s": 5}}, "verify"),
    ],
)
def test_more_work_costs_more_in_its_stage_only(change, stage):
    before = cost.estimate(Params(), FASHION).stages
    after = cost.estimate(Params.model_validate(change), FASHION).stages
    assert after.pop(stage) > before.pop(stage)
    assert after == before


@pytest.mark.parametrize(
    ("search", "step"),
    [
        ({"method": "simplex"}, 0.7),
        ({"method": "darts"}, 7 * 1.7),  # seven operations
        ({"method": "darts", "darts": {"order": 2}}, 3 * 7 * 1.7),
        ({"method": "fbnet"}, 7 * 1.7),
        ({"method": "proxylessnas"}, 2 * 0.7),
        ({"method": "proxylessnas-r", "proxylessnas": {"paths": 8}}, 8 / 4),
        ({"method": "evolution", "evolution": {"images": 640}}, 4 * 640 / 64 / 4),
    ],
)
def test_a_round_of_a_search_costs_what_its_method_runs(search, step):
    """In steps of the weights along one path, without a warm-up and with no such step beside."""
    alone = {"warmup_epochs": 0, "weight_steps": 0, "batch_size": 64, **search}
    one = {"warmup_epochs": 0, "weight_steps": 1, "batch_size": 64, **search}
    without, beside = (
        cost.estimate(Params.model_validate({"search": options}), FASHION).stages["search"]
        for options in (alone, one)
    )
    assert without / (beside - without) == pytest.approx(step)


def test_the_smoke_preset_costs_a_few_minutes(root):
    params = load(root / "presets/smoke.yaml")
    assert sum(cost.estimate(params, outline(params.data)).stages.values()) < 5
