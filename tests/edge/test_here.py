"""Which targets a machine is, with captured trees of boards and runtimes that are made up."""

from pathlib import Path
from typing import Any

import pytest

from edge import here
from edge.here import NotMeasuredHere, targets_here
from edge.manifest import Manifest
from edge.record import Target
from edge.runtimes import MissingRuntime
from edge.selection import SeveralTargets
from tests.edge.test_device import ORIN, PI4, tree
from tests.edge.test_selection import measured

BOARD = "Raspberry Pi 4 Model B Rev 1.5, 4 cores, aarch64, raspberry-pi"
INSTALLED = {"onnxruntime": "1.32.0", "litert": "2.3.0"}


def on(**changes: Any) -> Target:
    fields = {
        "device": BOARD,
        "runtime": "onnxruntime",
        "runtime_version": "1.32.0",
        "provider": "CPUExecutionProvider",
        "precision": "fp32",
        "threads": 1,
        "power_mode": "ondemand",
    }
    return Target.model_validate({**fields, **changes})


ONNX = on()
INT8 = on(runtime="litert", runtime_version="2.3.0", provider="XNNPACK", precision="int8")


@pytest.fixture(autouse=True)
def versions(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What is installed here, which a test may change."""
    there = dict(INSTALLED)
    monkeypatch.setattr(here, "installed", there.get)
    return there


def family(*targets: Target) -> Manifest:
    return measured(*targets)


def test_runtimes_and_precisions_of_this_machine_are_one_choice() -> None:
    targets, doubts = targets_here(family(ONNX, INT8, on(device="another board")), root=PI4)
    assert set(targets) == {ONNX, INT8}
    assert doubts == {}
    assert targets_here(family(ONNX, INT8), "litert", PI4) == ([INT8], {})
    assert targets_here(family(ONNX, INT8), root=PI4, precision="fp32") == ([ONNX], {})


def test_another_version_of_a_runtime_is_a_doubt(versions: dict[str, str]) -> None:
    versions["onnxruntime"] = "1.33.0"
    _, doubts = targets_here(family(ONNX, INT8), root=PI4)
    assert doubts == {ONNX: "measured with onnxruntime 1.32.0, 1.33.0 is installed"}


def test_a_runtime_that_is_not_installed_is_left_out(versions: dict[str, str]) -> None:
    del versions["onnxruntime"]
    assert targets_here(family(ONNX, INT8), root=PI4)[0] == [INT8]


def test_where_only_that_one_was_measured_it_says_how_to_install_it(
    versions: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Absent:
        def version(self) -> str:
            raise MissingRuntime("onnxruntime is not installed: pip install 'edgefacet[onnx]'")

    del versions["onnxruntime"]
    monkeypatch.setattr(here, "get_runtime", lambda _name: Absent())
    with pytest.raises(MissingRuntime, match="pip install"):
        targets_here(family(ONNX), root=PI4)


@pytest.mark.parametrize(
    ("target", "runtime"),
    [(ONNX, "litert"), (on(device="another board"), None), (on(power_mode="powersave"), None)],
)
def test_what_was_measured_elsewhere_is_named(target: Target, runtime: str | None) -> None:
    with pytest.raises(NotMeasuredHere) as caught:
        targets_here(family(target), runtime, PI4)
    told = str(caught.value)
    assert told.startswith("nothing was measured ")
    assert f"on {BOARD}, power mode ondemand, but on:\n  {target.id}: " in told


def test_a_family_that_was_not_measured_at_all() -> None:
    with pytest.raises(NotMeasuredHere, match="but on: nothing\n"):
        targets_here(family(), root=PI4)


def test_thread_counts_are_several_targets() -> None:
    with pytest.raises(SeveralTargets):
        targets_here(family(ONNX, on(threads=4)), root=PI4)


def test_the_power_mode_is_that_of_this_moment(tmp_path: Path) -> None:
    fifteen = on(device=here.fingerprint(ORIN), power_mode="nvpmodel 1")
    assert targets_here(family(fifteen), root=ORIN)[0] == [fifteen]
    slower = tree(tmp_path, {"var/lib/nvpmodel/status": "pmode:0002\n"})
    moved = on(device=here.fingerprint(slower), power_mode="nvpmodel 1")
    with pytest.raises(NotMeasuredHere, match="power mode nvpmodel 2"):
        targets_here(family(moved), root=slower)
    tree(tmp_path, {"var/lib/nvpmodel/status": "pmode:0001\n"})
    assert targets_here(family(moved), root=slower)[0] == [moved]
