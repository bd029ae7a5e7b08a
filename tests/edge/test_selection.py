from typing import Any

import pytest

from edge.manifest import Manifest
from edge.record import Target
from edge.selection import PickError, SeveralTargets, selected, together
from tests.edge.test_pick import TARGET, family, member


def on(**changes: Any) -> Target:
    return Target.model_validate({**TARGET, **changes})


def measured(*targets: Target) -> Manifest:
    made = [member(f"m{n}", 0.9, 1.0, 1.2, target=t) for n, t in enumerate(targets)]
    return family(*({**m, "latencies": m["latencies"]} for m in made))


ONNX, LITE = on(), on(runtime="litert")
INT8 = on(runtime="litert", precision="int8")
PI = on(device="Raspberry Pi 4, 4 cores")


def test_one_target_needs_no_name() -> None:
    assert selected(measured(ONNX)) == [ONNX]
    assert selected(measured(ONNX, LITE), runtime="litert") == [LITE]
    assert selected(measured(ONNX, LITE, INT8), runtime="litert", precision="int8") == [INT8]
    assert selected(measured()) == []


def test_several_ask_for_one() -> None:
    with pytest.raises(SeveralTargets) as caught:
        selected(measured(ONNX, LITE))
    assert set(caught.value.targets) == {ONNX, LITE}
    assert selected(measured(ONNX, LITE), target=LITE) == [LITE]


def test_a_device_ranks_all_that_it_can_run() -> None:
    found = selected(measured(ONNX, LITE, INT8, PI), device="BOARD")
    assert set(found) == {ONNX, LITE, INT8}
    assert selected(measured(ONNX, LITE, PI), device="pi 4") == [PI]
    assert selected(measured(ONNX, LITE, PI), runtime="litert", device="board") == [LITE]


def test_but_not_other_threads_or_power_modes() -> None:
    for other in (on(threads=4), on(power_mode="nvpmodel 2"), on(batch=2)):
        with pytest.raises(SeveralTargets):
            selected(measured(ONNX, other), device="board")
        with pytest.raises(SeveralTargets):
            together([ONNX, other])


def test_what_was_never_measured_is_named_beside_what_was() -> None:
    with pytest.raises(PickError, match="'tvm'; choose among: litert, onnxruntime"):
        selected(measured(ONNX, LITE), runtime="tvm")
    with pytest.raises(PickError, match="'jetson'; choose among: Raspberry Pi 4, 4 cores; board"):
        selected(measured(ONNX, PI), device="jetson")
    with pytest.raises(PickError, match="in 'fp16'; choose among: fp32, int8"):
        selected(measured(ONNX, LITE, INT8), runtime="litert", precision="fp16")
    with pytest.raises(PickError, match="is one of int8, not of fp32"):
        selected(measured(INT8), target=INT8, precision="fp32")
    with pytest.raises(PickError, match="is one of litert, not of onnxruntime"):
        selected(measured(ONNX, LITE), target=LITE, runtime="onnxruntime")
