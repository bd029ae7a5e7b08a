import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from edge.family import (
    Family,
    FamilyError,
    FamilyMissing,
    IntegrityError,
    Latency,
    Manifest,
)
from edge.record import Target
from edge.spec import Architecture, BlockSpec, Row

MODEL = b"a model"
ARCHITECTURE = Architecture(
    "mbconv", (1, 28, 28), 10, (Row("b0", BlockSpec("conv_k3", 16, 16, 14, 14), searched=True),)
)


def target(**changes: Any) -> dict[str, Any]:
    fields = {
        "device": "board",
        "runtime": "onnxruntime",
        "runtime_version": "1",
        "provider": "cpu",
        "precision": "fp32",
        "threads": 1,
    }
    return Target.model_validate({**fields, **changes}).model_dump()


def latency(**changes: Any) -> dict[str, Any]:
    fields = {
        "target": target(),
        "median_ms": 1.0,
        "lo_ms": 0.9,
        "hi_ms": 1.1,
        "p95_ms": 1.4,
        "n": 500,
        "verdict": "clean",
        "measured_at": "2026-01-01T00:00:00+00:00",
    }
    return {**fields, **changes}


def manifest(**changes: Any) -> dict[str, Any]:
    artifact = {
        "path": "small/model.onnx",
        "sha256": hashlib.sha256(MODEL).hexdigest(),
        "size_bytes": len(MODEL),
        "format": "onnx",
        "precision": "fp32",
        "test_accuracy": 0.9,
        "max_relative_error": 1e-6,
    }
    member = {
        "name": "small",
        "architecture": ARCHITECTURE.to_dict(),
        "origin": {"kappa": 0.3},
        "holdout_accuracy": 0.91,
        "test_accuracy": 0.9,
        "macs": 1000,
        "parameters": 100,
        "artifacts": [artifact],
        "latencies": [latency()],
    }
    fields = {
        "version": 2,
        "created": "2026-01-01T00:00:00+00:00",
        "dataset": "fashion-mnist",
        "classes": ["bag", "boot"],
        "input_shape": [1, 28, 28],
        "mean": [0.3],
        "std": [0.4],
        "members": [member],
    }
    return {**fields, **changes}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small").mkdir()
    (tmp_path / "small/model.onnx").write_bytes(MODEL)
    Manifest.model_validate(manifest()).write(tmp_path)
    return tmp_path


def test_load_takes_the_folder_or_the_file(folder: Path) -> None:
    family = Family.load(folder)
    assert family == Family.load(str(folder / "family.json"))
    assert family.manifest == Manifest.model_validate(manifest())
    member = family.manifest.member("small")
    assert member.read_architecture() == ARCHITECTURE
    assert family.path(member.artifacts[0]).read_bytes() == MODEL


def test_verify_accepts_what_the_manifest_describes(folder: Path) -> None:
    Family.load(folder).verify()


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"b model", "sha256"), (b"a longer model", "14 bytes instead of 7"), (None, "is missing")],
)
def test_verify_refuses_anything_else(folder: Path, content: bytes | None, message: str) -> None:
    path = folder / "small/model.onnx"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(IntegrityError, match=message) as caught:
        Family.load(folder).verify()
    assert "'small'" in str(caught.value)


def test_missing_family_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(FamilyMissing, match="dvc repro") as caught:
        Family.load(tmp_path)
    assert isinstance(caught.value, FileNotFoundError)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "version None is none of those"),
        (json.dumps(manifest(version=3)), "version 3 is none of those"),
        (json.dumps(manifest(members="all")), "members: "),
        (json.dumps(manifest(colour="red")), "colour: Extra inputs"),
        (json.dumps(manifest(members=manifest()["members"] * 2)), "two members are called 'small'"),
    ],
)
def test_malformed_manifest_names_the_field(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "family.json").write_text(text)
    with pytest.raises(FamilyError, match=message):
        Family.load(tmp_path)


@pytest.mark.parametrize("path", ["/etc/passwd", "../model.onnx", "a/../../b", "a\\b", ""])
def test_artifacts_stay_inside_the_folder(path: str) -> None:
    data = manifest()
    data["members"][0]["artifacts"][0]["path"] = path
    with pytest.raises(ValueError, match="stay inside the folder"):
        Manifest.model_validate(data)


def test_the_moment_of_a_measurement_must_be_one() -> None:
    assert Latency.model_validate(latency(measured_at="2026-01-01T00:00:00Z")).moment.year == 2026
    with pytest.raises(ValueError, match="measured_at"):
        Latency.model_validate(latency(measured_at="yesterday"))


def test_the_last_valid_latency_of_a_target_counts() -> None:
    data = manifest()
    other = target(precision="int8")
    data["members"][0]["latencies"] = [
        latency(median_ms=2.0, measured_at="2026-01-02T00:00:00+01:00"),
        latency(median_ms=1.0, measured_at="2026-01-01T23:30:00Z"),
        latency(median_ms=3.0, measured_at="2026-01-03T00:00:00Z", verdict="invalid"),
        latency(median_ms=4.0, measured_at="2026-01-04T00:00:00Z", target=other),
    ]
    family = Manifest.model_validate(data)
    assert {t.precision for t in family.targets} == {"fp32", "int8"}
    last = family.members[0].latency(Target.model_validate(target()))
    assert last is not None
    assert last.median_ms == 1.0


def test_unknown_member_names_the_others() -> None:
    with pytest.raises(FamilyError, match="no member 'big' in the family; there are: small"):
        Manifest.model_validate(manifest()).member("big")


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({}, "small/model.onnx"),
        ({"runtime": "litert"}, "m.tflite"),
        ({"runtime": "litert", "precision": "int8"}, "m-int8.tflite"),
        ({"precision": "int8"}, None),
        ({"runtime": "a runtime of tomorrow"}, None),
    ],
)
def test_a_target_runs_the_file_of_its_runtime_and_precision(
    changes: dict[str, Any], path: str | None
) -> None:
    data = manifest()
    (onnx,) = data["members"][0]["artifacts"]
    tflite = {**onnx, "path": "m.tflite", "format": "tflite"}
    int8 = {**tflite, "path": "m-int8.tflite", "precision": "int8"}
    data["members"][0]["artifacts"] = [int8, tflite, onnx]
    (member,) = Manifest.model_validate(data).members
    found = member.artifact(Target.model_validate(target(**changes)))
    assert (found and found.path) == path


def two_precisions(**changes: Any) -> dict[str, Any]:
    """The manifest, whose member has an int8 file, too."""
    data = manifest()
    (fp32,) = data["members"][0]["artifacts"]
    int8 = {"path": "small/int8.onnx", "precision": "int8", "holdout_accuracy": 0.88}
    data["members"][0]["artifacts"].append({**fp32, **int8, "test_accuracy": 0.87, **changes})
    return data


def test_a_rejected_file_is_told_and_never_deployed(folder: Path) -> None:
    (member,) = Manifest.model_validate(two_precisions(status="rejected")).members
    int8 = Target.model_validate(target(precision="int8"))
    assert [artifact.precision for artifact in member.deployed] == ["fp32"]
    assert member.artifact(int8) is None
    rejected = member.rejected(int8)
    assert rejected is not None
    assert rejected.holdout_accuracy == 0.88
    assert member.rejected(Target.model_validate(target())) is None
    Family(folder, Manifest.model_validate(two_precisions(status="rejected"))).verify()
    with pytest.raises(IntegrityError, match=r"int8\.onnx of member 'small' is missing"):
        Family(folder, Manifest.model_validate(two_precisions())).verify()


def test_a_member_is_as_accurate_as_the_file_that_runs() -> None:
    (member,) = Manifest.model_validate(two_precisions()).members
    on_int8 = member.on(Target.model_validate(target(precision="int8")))
    assert (on_int8.holdout_accuracy, on_int8.test_accuracy) == (0.88, 0.87)
    on_fp32 = member.on(Target.model_validate(target()))  # its file has no figure of the hold-out
    assert (on_fp32.holdout_accuracy, on_fp32.test_accuracy) == (0.91, 0.9)
    assert member.on(Target.model_validate(target(runtime="litert"))) == member
