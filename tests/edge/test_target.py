from importlib import metadata
from pathlib import Path

import pytest

from edge.runtimes import UnknownRuntime
from edge.target import make_target


def test_a_target_is_this_machine_with_a_runtime(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    model = tmp_path / "proc/device-tree/model"
    model.parent.mkdir(parents=True)
    model.write_text("Raspberry Pi 5 Model B Rev 1.0\0")
    target = make_target("onnxruntime", threads=2, precision="int8", root=tmp_path)
    assert target.device.startswith("Raspberry Pi 5 Model B Rev 1.0, ")
    assert target.runtime_version == metadata.version("onnxruntime")
    assert target.provider == "CPUExecutionProvider"
    assert (target.precision, target.threads, target.power_mode) == ("int8", 2, "unknown")


def test_a_target_of_litert_names_the_package(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    target = make_target("litert", threads=1, precision="fp32", root=tmp_path)
    assert target.runtime_version == f"ai-edge-litert {metadata.version('ai-edge-litert')}"
    assert (target.runtime, target.provider) == ("litert", "XNNPACK")


def test_an_unknown_runtime_has_no_target(tmp_path: Path) -> None:
    with pytest.raises(UnknownRuntime):
        make_target("tensorflow", threads=1, precision="fp32", root=tmp_path)
