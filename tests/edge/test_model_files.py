import os
from pathlib import Path
from typing import Any

import pytest

from edge import runtimes
from edge.family import Family, Manifest
from edge.files import sha256_of
from edge.model_files import NoModel, models_of_family, models_of_files
from edge.runtimes import MissingRuntime, UnknownRuntime


def file(folder: Path, name: str, content: str = "model") -> Path:
    path = folder / name
    path.write_text(content)
    return path


def family(folder: Path, *artifacts: tuple[str, str]) -> Family:
    """One member with artifacts, each (name of the file, precision)."""
    architecture: dict[str, Any] = {"any": 1}
    member = {
        "name": "small",
        "architecture": architecture,
        "holdout_accuracy": 0.8,
        "test_accuracy": 0.8,
        "macs": 1,
        "parameters": 1,
        "artifacts": [
            {
                "path": name,
                "sha256": sha256_of(file(folder, name, name)),
                "size_bytes": 1,
                "format": name.rpartition(".")[2],
                "precision": precision,
            }
            for name, precision in artifacts
        ],
    }
    manifest = {
        "dataset": "d", "classes": ["a"], "input_shape": [1, 28, 28], "mean": [0], "std": [1],
        "members": [member],
    }  # fmt: skip
    return Family(folder, Manifest.model_validate(manifest))


def test_the_suffix_chooses_the_runtime(tmp_path: Path) -> None:
    onnx, tflite = models_of_files([file(tmp_path, "a.ONNX"), file(tmp_path, "b.tflite")])
    assert (onnx.runtime, tflite.runtime) == ("onnxruntime", "litert")
    subject = onnx.job.subject
    assert (subject.kind, subject.name, subject.architecture) == ("file", "a.ONNX", None)
    assert subject.sha256 == sha256_of(tmp_path / "a.ONNX")
    assert (onnx.precision, onnx.size_bytes) == ("unknown", 5)  # the word "model"


def test_a_file_is_measured_once(tmp_path: Path) -> None:
    path = file(tmp_path, "a.onnx")
    assert len(models_of_files([path, path])) == 1


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    places = ["m.onnx", "a/m.onnx", "b/x/m.onnx", "c/x/m.onnx", "n.onnx"]
    for place in places:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    models = models_of_files([file(tmp_path, place) for place in places])
    first = f"{tmp_path.name}/m.onnx"
    names = [model.job.subject.name for model in models]
    assert names == [first, "a/m.onnx", "b/x/m.onnx", "c/x/m.onnx", "n.onnx"]


def test_another_suffix_needs_the_runtimes_name(tmp_path: Path) -> None:
    path = file(tmp_path, "a.bin")
    with pytest.raises(NoModel, match=r"a\.bin: it would end in \.onnx or \.tflite; .*--runtime"):
        models_of_files([path])
    (model,) = models_of_files([path], runtime="litert", precision="int8")
    assert (model.runtime, model.precision) == ("litert", "int8")
    with pytest.raises(UnknownRuntime, match="did you mean 'litert'"):
        models_of_files([path], runtime="liter")


def test_a_name_that_is_no_text_still_makes_a_record(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.onnx"))
    path.write_text("model")
    assert models_of_files([path])[0].job.subject.name == "\ufffd.onnx"


def test_every_artifact_of_a_family_keeps_its_architecture_and_precision(tmp_path: Path) -> None:
    made = family(tmp_path, ("m.onnx", "fp32"), ("q.onnx", "int8"))
    models = models_of_family(made, "onnxruntime")
    assert [model.precision for model in models] == ["fp32", "int8"]
    subject = models[0].job.subject
    assert (subject.kind, subject.role, subject.name) == ("network", "member", "small")
    assert subject.architecture == {"any": 1}
    assert models[1].job.path == tmp_path / "q.onnx"


def test_a_family_is_narrowed_to_a_precision(tmp_path: Path) -> None:
    made = family(tmp_path, ("m.onnx", "fp32"), ("q.onnx", "int8"))
    (model,) = models_of_family(made, "onnxruntime", "int8")
    assert model.job.path == tmp_path / "q.onnx"
    with pytest.raises(NoModel, match="no file in 'fp16'; choose among: fp32, int8"):
        models_of_family(made, "onnxruntime", "fp16")


def test_a_manifest_without_any_of_its_files_is_one_error(tmp_path: Path) -> None:
    """As in a clone: Git has the manifest, and DVC the files."""
    made = family(tmp_path, ("m.onnx", "fp32"), ("q.onnx", "int8"))
    (tmp_path / "m.onnx").unlink()
    assert len(models_of_family(made, "onnxruntime")) == 2
    (tmp_path / "q.onnx").unlink()
    with pytest.raises(NoModel, match=r"none of the model files is in .*dvc pull"):
        models_of_family(made, "onnxruntime")


def test_what_no_installed_runtime_reads_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> str:
        raise MissingRuntime("not here")

    monkeypatch.setattr(runtimes.get_runtime("litert"), "version", missing)
    monkeypatch.setattr(runtimes.get_runtime("onnxruntime"), "version", lambda: "1")
    made = family(tmp_path, ("m.onnx", "fp32"), ("m.tflite", "fp32"))
    assert [model.runtime for model in models_of_family(made)] == ["onnxruntime"]
    with pytest.raises(MissingRuntime):
        models_of_family(made, "litert")
    with pytest.raises(NoModel, match="facet info"):
        models_of_family(family(tmp_path, ("m.tflite", "fp32")))
