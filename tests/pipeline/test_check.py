import dataclasses
import json
import subprocess
import sys
from importlib import metadata

import pytest
from PIL import Image

from edge.record import Target
from edge.runtimes import MissingRuntime
from pipeline import check
from pipeline import targets as targets_of_check
from pipeline.accelerator import NoAccelerator
from pipeline.check import MissingExporter
from pipeline.params import Params, TargetParams
from pipeline.remote import Boards, RemoteError
from pipeline.targets import read_target, read_targets
from tests.pipeline.remote.made_up import info

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
    monkeypatch.setattr(targets_of_check, "make_target", make)


def targets(*runtimes, threads=3):
    return Params.model_validate(
        {"targets": [{"runtime": runtime, "threads": threads} for runtime in runtimes]}
    )


def test_the_first_target_and_all_of_them_are_written_with_sorted_keys(tmp_path, made, capsys):
    params = targets("onnxruntime", "litert")
    check.run(params, root=tmp_path)
    text = (tmp_path / "results/target.json").read_text()
    assert list(json.loads(text)) == sorted(TARGET.model_dump())
    assert text.endswith("}\n")
    assert read_target(params, tmp_path) == TARGET
    litert = TARGET.model_copy(update={"runtime": "litert"})
    assert read_targets(params, tmp_path) == [TARGET, litert]
    told = " ".join(capsys.readouterr().out.split())
    assert told.startswith(f"targets[0] {TARGET} targets[1] {litert} cost roughly ")


def test_a_further_target_does_not_change_the_file_of_the_first(tmp_path, made):
    check.run(targets("onnxruntime"), root=tmp_path)
    first = (tmp_path / "results/target.json").read_bytes()
    params = targets("onnxruntime", "litert")
    check.run(params, root=tmp_path)
    assert (tmp_path / "results/target.json").read_bytes() == first
    assert len(read_targets(params, tmp_path)) == 2


def test_the_cost_is_printed_and_no_line_is_wider_than_a_terminal(tmp_path, made, capsys):
    check.run(Params(), root=tmp_path)
    printed = capsys.readouterr().out
    assert "CPU minutes if nothing is cached: profile" in " ".join(printed.split())
    assert max(map(len, printed.splitlines())) <= 80


def test_the_classes_of_own_images_are_named_and_doubted(tmp_path, made, capsys):
    for number in range(20):
        place = tmp_path / "own" / f"fold {number % 2}" / f"{'ab'[number // 10]}/{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8)).save(place)
    data = {"name": "images", "path": "own", "weights": 0.5, "architecture": 0.3, "holdout": 0.2}
    check.run(Params(data=data), root=tmp_path)
    printed = capsys.readouterr().out
    assert "classes     2: fold 0, fold 1\n" in printed
    assert "warning: every class folder holds the same folders, a, b:" in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_more_threads_than_cores_are_warned_about(tmp_path, made, monkeypatch, capsys):
    there = check.machine()
    monkeypatch.setattr(check, "machine", lambda: dataclasses.replace(there, cores=2))
    check.run(targets("onnxruntime", threads=2), root=tmp_path)
    assert "warning" not in capsys.readouterr().out
    check.run(targets("onnxruntime", threads=64), root=tmp_path)
    told = "warning: targets[0].threads: 64, but this machine has 2 cores\n"
    assert capsys.readouterr().out.endswith(told)


def test_a_missing_runtime_is_found_before_anything_is_written(tmp_path, monkeypatch):
    def missing(*_):
        raise MissingRuntime("onnxruntime is not installed")

    monkeypatch.setattr(check, "make_target", missing)
    with pytest.raises(MissingRuntime):
        check.run(Params(), root=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("device", "where"), [("cuda", "cuda"), ("mps", "backends.mps")])
def test_a_missing_accelerator_is_found_before_anything_is_written(
    tmp_path, made, monkeypatch, device, where
):
    monkeypatch.setattr(f"torch.{where}.is_available", lambda: False)
    with pytest.raises(NoAccelerator, match=rf"finds no {device}.*search\.device: auto"):
        check.run(Params(search={"device": device}), root=tmp_path)
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


@pytest.fixture
def elsewhere(tmp_path):
    """Boards that only files describe: pi and its twin."""
    (tmp_path / "devices").mkdir()
    for name in ("pi", "twin"):
        (tmp_path / f"devices/{name}.json").write_text(info())
    return Boards(environ={})


def on(*devices):
    return Params.model_validate({"targets": [{"device": device} for device in devices]})


def test_a_board_elsewhere_is_described_without_its_runtime_here(tmp_path, made, elsewhere):
    params = on("local", "pi")
    check.run(params, tmp_path, elsewhere)
    here, there = read_targets(params, tmp_path)
    assert here.device == TARGET.device
    assert (there.device, there.runtime_version) == ("board", "1.22")


def test_what_did_not_change_is_the_same_file_and_a_new_runtime_another(tmp_path, elsewhere):
    path = tmp_path / "results/target.json"
    check.run(on("pi"), tmp_path, elsewhere)
    first = path.read_bytes()
    (tmp_path / "devices/pi.json").write_text(info(os="another", temperature_c=60.0))
    check.run(on("pi"), tmp_path, elsewhere)
    assert path.read_bytes() == first
    newer = {"onnxruntime": {"version": "1.23"}}
    (tmp_path / "devices/pi.json").write_text(info(runtimes=newer))
    check.run(on("pi"), tmp_path, elsewhere)
    assert path.read_bytes() != first


def test_two_boards_of_one_kind_are_one_target(tmp_path, elsewhere):
    with pytest.raises(RemoteError, match=r"targets\[1\] and targets\[0\] are the same target"):
        check.run(on("pi", "twin"), tmp_path, elsewhere)


def test_an_emulated_machine_is_no_target(tmp_path, monkeypatch):
    emulated = TARGET.model_copy(update={"device": "emulated board"})
    monkeypatch.setattr(check, "make_target", lambda *_: emulated)
    with pytest.raises(RemoteError, match=r"targets\[0\].device: emulated board is no hardware"):
        check.run(Params(), tmp_path)
