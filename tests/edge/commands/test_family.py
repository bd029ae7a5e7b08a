"""`facet members` and `facet family`."""

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edge.cli import main
from edge.family import Manifest
from edge.record import Target
from tests.edge import families

TARGET = Target(
    device="a board with quite a long name, 4 cores, aarch64",
    runtime="onnxruntime",
    runtime_version="1.22",
    provider="CPUExecutionProvider",
    precision="fp32",
    threads=1,
)


def member(name: str, accuracy: float, p95_ms: float, target: Target = TARGET) -> dict[str, Any]:
    return {
        "name": name,
        "architecture": {},
        "holdout_accuracy": accuracy,
        "test_accuracy": accuracy - 0.01,
        "macs": 12_340_000,
        "parameters": 65_432,
        "artifacts": [
            {
                "path": "m.onnx",
                "sha256": "0" * 64,
                "size_bytes": 98_700,
                "format": "onnx",
                "precision": "fp32",
            }
        ],
        "latencies": [
            {
                "target": target.model_dump(),
                "median_ms": p95_ms / 2,
                "lo_ms": 0.1,
                "hi_ms": 9,
                "p95_ms": p95_ms,
                "n": 500,
                "verdict": "clean",
                "peak_memory_bytes": 1_234_567,
                "measured_at": datetime.now(timezone.utc).isoformat(),
            }
        ],
    }


def write(folder: Path, *members: dict[str, Any]) -> Path:
    manifest = {
        "created": "2026-01-01T00:00:00Z",
        "dataset": "d",
        "classes": ["a"],
        "input_shape": [1, 28, 28],
        "mean": [0],
        "std": [1],
        "members": members,
    }
    Manifest.model_validate(manifest).write(folder)
    return folder


@pytest.fixture
def family(tmp_path: Path) -> Path:
    long = "large-with-a-name-that-is-longer-than-the-line-has-room-for"
    return write(tmp_path, member("small", 0.8, 1.5), member(long, 0.9, 3.0))


def facet(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_members_fit_in_80_columns(family: Path) -> None:
    result = facet("members", "--family", family)
    lines = result.output.splitlines()
    assert result.exit_code == 0
    assert max(map(len, lines)) == 80
    head, units, small, large = lines[-4:]
    assert " ".join(head.split()) == "hold-out test median p95 file peak params MACs"
    assert " ".join(units.split()) == "member % % ms ms kB MB k M"
    expected = ["small", "80.00", "79.00", "0.750", "1.500", "99", "1.2", "65.4", "12.34"]
    assert small.split() == expected
    assert large.startswith("large-with-a-name")
    assert "…" in large


def test_members_as_json(family: Path) -> None:
    answer = json.loads(facet("members", "--family", family, "--json").output)
    assert answer["targets"] == [{"id": TARGET.id, **TARGET.model_dump()}]
    assert answer["members"][0]["name"] == "small"
    assert answer["members"][0]["latencies"][0]["p95_ms"] == 1.5


def test_members_that_were_not_measured(tmp_path: Path) -> None:
    folder = write(tmp_path, {**member("new", 0.8, 1.5), "latencies": []})
    lines = facet("members", "--family", folder).output.splitlines()
    assert lines[0] == "Not measured yet."
    assert lines[-1].split() == ["new", "80.00", "79.00", "-", "-", "99", "-", "65.4", "12.34"]


def test_a_family_is_verified(tmp_path: Path) -> None:
    runnable_family(tmp_path)
    done = facet("family", "verify", "--family", tmp_path, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["files"] == 4
    (tmp_path / "large-fp32.onnx").write_bytes(b"LARGE-fp32.onnx")
    failed = facet("family", "verify", "--family", tmp_path, "--json")
    assert failed.exit_code == 1
    assert json.loads(failed.stdout)["kind"] == "IntegrityError"


def runnable_family(folder: Path) -> None:
    families.family(folder, ("onnx", "fp32"), ("tflite", "fp32"))


def test_versions_are_exported_listed_used_and_rolled_back(tmp_path: Path) -> None:
    made, shelf = tmp_path / "made", tmp_path / "shelf"
    made.mkdir()
    runnable_family(made)
    empty = facet("family", "list", "--shelf", shelf)
    assert "facet family export --out" in empty.stdout
    versions = [
        json.loads(
            facet("family", "export", "--family", made, "--out", shelf, *only, "--json").stdout
        )["version"]
        for only in ([], ["--runtime", "onnxruntime"])
    ]
    for version in versions:
        assert facet("family", "use", version, "--shelf", shelf).exit_code == 0
    assert (shelf / "current").resolve().name == versions[1]
    listed = json.loads(facet("family", "list", "--shelf", shelf, "--json").stdout)["versions"]
    marks = {v["name"]: (v["current"], v["previous"]) for v in listed}
    assert marks == {versions[0]: (False, True), versions[1]: (True, False)}
    assert "in use" in facet("family", "list", "--shelf", shelf).stdout
    back = facet("family", "use", "previous", "--shelf", shelf)
    assert f"Version {versions[0]} is in use" in back.stdout
    unknown = facet("family", "use", "v9", "--shelf", shelf, "--json")
    assert unknown.exit_code == 1
    assert json.loads(unknown.stdout)["kind"] == "VersionMissing"


def test_a_version_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    runnable_family(tmp_path)
    shelf = tmp_path / "shelf"
    assert facet("family", "export", "--family", tmp_path, "--out", shelf).exit_code == 0
    (manifest,) = shelf.glob("*/family.json")
    manifest.chmod(0o644)
    manifest.write_bytes(manifest.read_bytes()[:50])
    told = facet("family", "list", "--shelf", shelf).stdout
    assert "damaged" in told
    assert f"{manifest.parent.name}: " in " ".join(told.split())
    assert "is not JSON" in " ".join(told.split())


def test_an_archive_is_one_file(tmp_path: Path) -> None:
    runnable_family(tmp_path)
    out = tmp_path / "out/family.tar.gz"
    assert facet("family", "export", "--family", tmp_path, "--out", out).exit_code == 0
    assert out.read_bytes()[:2] == b"\x1f\x8b"
    refused = facet("family", "export", "--family", tmp_path, "--runtime", "tvm")
    assert refused.exit_code == 1
    assert "no runtime 'tvm'" in " ".join(refused.stderr.split())


def test_two_families_are_compared(tmp_path: Path) -> None:
    old = write(tmp_path / "old", member("small", 0.8, 1.5))
    new = write(tmp_path / "new", member("small", 0.8, 1.2), member("large", 0.9, 3.0))
    found = json.loads(facet("family", "diff", old, new, "--json").stdout)["changes"]
    assert {"member": "large", "what": "member", "old": None, "new": "present"} in found
    text = facet("family", "diff", old, new).stdout
    assert f"{TARGET.id} p95_ms" in text
    assert facet("family", "diff", old, old).stdout == "Nothing changed.\n"


def test_every_key_of_the_json_is_documented(family: Path) -> None:
    text = (Path(__file__).parents[3] / "docs/cli.md").read_text()
    answers = [
        json.loads(facet(*command, "--json").stdout)
        for command in (
            ["members", "--family", family],
            ["family", "diff", family, family],
            ["family", "list", "--shelf", family],
        )
    ]
    assert [key for answer in answers for key in answer if f"`{key}`" not in text] == []
