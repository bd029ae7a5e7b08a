import json
import subprocess
import sys

import pytest

from edge.record import Target
from edge.runtimes import MissingRuntime
from pipeline import check
from pipeline.params import Params

TARGET = Target(
    device="board",
    runtime="onnxruntime",
    runtime_version="1.2",
    provider="CPUExecutionProvider",
    precision="fp32",
    threads=3,
)


@pytest.fixture
def asked(monkeypatch):
    """What was asked for; the answer is TARGET."""
    calls = []
    monkeypatch.setattr(check, "make_target", lambda *asked: calls.append(asked) or TARGET)
    return calls


def test_the_target_is_written_with_sorted_keys(tmp_path, asked):
    check.run(Params(target={"threads": 3}), root=tmp_path)
    text = (tmp_path / "results/target.json").read_text()
    assert asked == [("onnxruntime", 3, "fp32")]
    assert list(json.loads(text)) == sorted(TARGET.model_dump())
    assert text.endswith("}\n")
    assert check.read_target(tmp_path) == TARGET


def test_the_same_target_is_the_same_file(tmp_path, asked):
    check.run(Params(), root=tmp_path)
    first = (tmp_path / "results/target.json").read_bytes()
    check.run(Params(retrain={"epochs": 1}), root=tmp_path)
    assert (tmp_path / "results/target.json").read_bytes() == first


def test_the_cost_is_printed(tmp_path, asked, capsys):
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


def test_this_machine_is_described(tmp_path):
    target = check.describe(Params(target={"threads": 2}).target)
    assert (target.runtime, target.threads, target.precision) == ("onnxruntime", 2, "fp32")


def test_checking_loads_nothing_heavy(root):
    code = "import sys, pipeline.check, pipeline.__main__; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert {"torch", "torchvision", "onnx", "onnxruntime", "dvc"}.isdisjoint(done.stdout.split())
