import json
import subprocess
import sys
from importlib import metadata

import pytest

from edge.record import Target
from edge.runtimes import MissingRuntime
from pipeline import check
from pipeline.check import MissingExporter
from pipeline.params import Params, TargetParams

TARGET = Target(
    device="board",
    runtime="onnxruntime",
    runtime_version="1.2",
    provider="CPUExecutionProvider",
    precision="fp32",
    threads=3,
)


@pytest.fixture
def made(monkeypatch):
    """Every target is TARGET with the runtime and the threads that were asked for."""

    def make(runtime, threads, precision):
        asked = {"runtime": runtime, "threads": threads, "precision": precision}
        return TARGET.model_copy(update=asked)

    monkeypatch.setattr(check, "make_target", make)


def targets(*runtimes, threads=3):
    return Params.model_validate(
        {"targets": [{"runtime": runtime, "threads": threads} for runtime in runtimes]}
    )


def test_the_first_target_and_all_of_them_are_written_with_sorted_keys(tmp_path, made, capsys):
    check.run(targets("onnxruntime", "litert"), root=tmp_path)
    text = (tmp_path / "results/target.json").read_text()
    assert list(json.loads(text)) == sorted(TARGET.model_dump())
    assert text.endswith("}\n")
    assert check.read_target(tmp_path) == TARGET
    litert = TARGET.model_copy(update={"runtime": "litert"})
    assert check.read_targets(tmp_path) == [TARGET, litert]
    assert f"target: {TARGET}\ntarget: {litert}\n" in capsys.readouterr().out


def test_a_further_target_does_not_change_the_file_of_the_first(tmp_path, made):
    check.run(targets("onnxruntime"), root=tmp_path)
    first = (tmp_path / "results/target.json").read_bytes()
    check.run(targets("onnxruntime", "litert"), root=tmp_path)
    assert (tmp_path / "results/target.json").read_bytes() == first
    assert len(check.read_targets(tmp_path)) == 2


def test_the_cost_is_printed(tmp_path, made, capsys):
    check.run(Params(), root=tmp_path)
    assert "CPU minutes if nothing is cached: profile" in capsys.readouterr().out


def test_the_report_sums_the_stages():
    assert check.report({"profile": 1.5, "search": 2.5}) == (
        "roughly 4 CPU minutes if nothing is cached: profile 1.5, search 2.5"
    )


def test_a_missing_runtime_is_found_before_anything_is_written(tmp_path, monkeypatch):
    def missing(*_):
        raise MissingRuntime("onnxruntime is not installed")

    monkeypatch.setattr(check, "make_target", missing)
    with pytest.raises(MissingRuntime):
        check.run(Params(), root=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("runtime", "package"), [("onnxruntime", "onnxscript"), ("litert", "litert-torch")]
)
def test_a_missing_exporter_is_found_before_anything_is_written(
    tmp_path, made, monkeypatch, runtime, package
):
    def missing(name):
        assert name == package
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(check.metadata, "version", missing)
    with pytest.raises(MissingExporter, match=f"{package} is not installed.* of {runtime}: pip"):
        check.run(targets(runtime), root=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("runtime", ["onnxruntime", "litert"])
def test_this_machine_is_described(runtime):
    target = check.describe(TargetParams(runtime=runtime, threads=2))
    assert (target.runtime, target.threads, target.precision) == (runtime, 2, "fp32")


def test_checking_loads_nothing_heavy(root):
    code = "import sys, pipeline.check, pipeline.__main__; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert {"torch", "torchvision", "onnx", "onnxruntime", "litert_torch", "dvc"}.isdisjoint(
        done.stdout.split()
    )
