import pytest

from pipeline.target_names import apart, apart_but_threads, short_name
from tests.pipeline.made_up import TARGET


def but(**changes):
    return TARGET.model_copy(update=changes)


def names(*targets):
    return [short_name(target, targets) for target in targets]


def test_the_targets_of_the_default_preset_are_told_by_runtime_and_precision():
    targets = [
        but(runtime=runtime, precision=precision)
        for precision in ("fp32", "int8")
        for runtime in ("onnxruntime", "litert")
    ]
    found = names(*targets)
    assert found == ["onnxruntime_fp32", "litert_fp32", "onnxruntime_int8", "litert_int8"]
    assert [apart(target, targets) for target in targets] == [[]] * 4
    assert names(TARGET) == ["onnxruntime"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"threads": 4}, ["onnxruntime_1_threads", "onnxruntime_4_threads"]),
        ({"device": "Pi 5 (8 GB)"}, ["onnxruntime_d", "onnxruntime_Pi_5_8_GB"]),
        (
            {"power_mode": "performance"},
            ["onnxruntime_power_mode_unknown", "onnxruntime_power_mode_performance"],
        ),
        ({"provider": "q"}, ["onnxruntime_p", "onnxruntime_q"]),
        ({"runtime_version": "2"}, ["onnxruntime_version_1", "onnxruntime_version_2"]),
        ({"device": "e", "provider": "q"}, ["onnxruntime_d", "onnxruntime_e"]),
    ],
)
def test_a_name_has_the_first_value_that_tells_it_from_another(changes, expected):
    assert names(TARGET, but(**changes)) == expected


def test_what_nothing_else_tells_apart_has_its_id():
    batch = but(batch=2)
    assert names(TARGET, batch) == [f"onnxruntime_{TARGET.id}", f"onnxruntime_{batch.id}"]
    dash, space = but(device="a-b"), but(device="a b")
    assert names(dash, space) == [f"onnxruntime_a_b_{dash.id}", f"onnxruntime_a_b_{space.id}"]
    assert apart(dash, [dash, space]) == ["a-b"]


def test_three_boards_of_two_power_modes_have_three_names():
    targets = [TARGET, but(device="e"), but(device="e", power_mode="performance")]
    assert len(set(names(*targets))) == 3


def test_threads_may_be_told_elsewhere():
    targets = [TARGET, but(threads=4), but(threads=4, device="e")]
    assert [apart_but_threads(one, targets) for one in targets] == [[], ["d"], ["e"]]
    assert [apart(one, targets) for one in targets] == [
        ["1 threads"],
        ["4 threads", "d"],
        ["4 threads", "e"],
    ]
