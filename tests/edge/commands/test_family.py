"""`facet members` and `facet pick`."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edge.cli import main
from edge.family import Manifest
from edge.record import Target

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
                "measured_at": "2026-01-01T00:00:00Z",
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


def test_pick_explains_itself(family: Path) -> None:
    result = facet("pick", "--family", family, "--budget-ms", 2)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == "Member     small"
    assert lines[1] == "File       m.onnx, 99 kB"
    assert lines[2] == "p95        <= 1.500 ms, 0.500 ms below the budget of 2 ms"
    assert lines[-1] == "Runner-up  no other member fits"


def test_pick_as_json(family: Path) -> None:
    answer = json.loads(facet("pick", "--family", family, "--budget-ms", 5, "--json").output)
    assert answer["name"].startswith("large")
    assert answer["runner_up"] == "small"
    assert answer["margin_ms"] == pytest.approx(2.0)
    assert answer["target"] == {"id": TARGET.id, **TARGET.model_dump()}


def test_nothing_fits_exits_3_and_names_the_fastest_and_the_gap(family: Path) -> None:
    result = facet("pick", "--family", family, "--budget-ms", 1)
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "error: no member is proven to have p95 <= 1 ms" in result.stderr
    assert "small, has 1.500 ms, 0.500 ms too much" in result.stderr


def test_nothing_fits_as_json(family: Path) -> None:
    result = facet("pick", "--family", family, "--budget-ms", 1, "--json")
    assert result.exit_code == 3
    answer = json.loads(result.stdout)
    assert answer["fastest"] == "small"
    assert answer["gap_ms"] == pytest.approx(0.5)
    assert answer["kind"] == "NoFit"
    assert answer["error"] in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--budget-ms", "-1"],
        ["--budget-ms", "0"],
        ["--budget-ms", "nan"],
        ["--budget-ms", "inf"],
        ["--budget-ms", "soon"],
        ["--budget-ms", "1", "--percentile", "50"],
        ["--budget-ms", "1", "--min-accuracy", "90"],
        ["--budget-ms", "1", "--target", "nowhere"],
        [],
    ],
)
def test_wrong_usage_exits_2(family: Path, arguments: list[str]) -> None:
    result = facet("pick", "--family", family, *arguments)
    assert result.exit_code == 2
    assert "Error: " in result.stderr


def test_a_target_is_chosen_by_its_id(tmp_path: Path) -> None:
    other = TARGET.model_copy(update={"threads": 4})
    folder = write(tmp_path, member("one", 0.8, 1.5), member("four", 0.9, 1.0, other))
    question = ["pick", "--family", folder, "--budget-ms", 2]
    refused = facet(*question)
    assert refused.exit_code == 1
    assert TARGET.id in refused.stderr
    assert other.id in refused.stderr
    assert "Member     one\n" in facet(*question, "--target", TARGET.id).output
    listed = facet("members", "--family", folder).output
    assert f"Target {TARGET.id}" in listed
    assert f"Target {other.id}" in listed


def test_a_target_is_chosen_by_its_runtime(tmp_path: Path) -> None:
    litert = TARGET.model_copy(update={"runtime": "litert"})
    folder = write(tmp_path, member("onnx", 0.8, 1.5), member("lite", 0.9, 1.0, litert))
    question = ["pick", "--family", folder, "--budget-ms", 2]
    assert facet(*question).exit_code == 1
    assert "Member     onnx\n" in facet(*question, "--runtime", "onnxruntime").output
    assert "Member     lite\n" in facet(*question, "--runtime", "litert").output


def test_a_question_without_its_target_is_answered_with_one_to_copy(tmp_path: Path) -> None:
    litert, twice = (
        TARGET.model_copy(update={"runtime": "litert", "threads": threads}) for threads in (1, 2)
    )
    folder = write(tmp_path / "my family", member("onnx", 0.8, 1.5), member("l", 0.9, 1.0, litert))
    question = ["pick", "--budget-ms", 0.5, "--percentile", 99, "--family", folder, "--json"]
    refused = facet(*question)
    assert refused.exit_code == 1
    typed = f"facet pick --budget-ms 0.5 --percentile 99 --family '{folder}' --json"
    assert refused.stderr.endswith(f"; for example:\n  {typed} --runtime litert\n")
    assert json.loads(refused.stdout)["error"].endswith("--json --runtime litert")
    write(folder, member("l", 0.9, 1.0, litert), member("twice", 0.9, 1.0, twice))
    refused = facet("pick", "--budget-ms", 2, "--family", folder)
    typed = f"facet pick --budget-ms 2 --family '{folder}' --target {litert.id}"
    assert refused.stderr.endswith(f"\n  {typed}\n")
    assert facet(*shlex.split(typed)[1:]).stdout.startswith("Member     l\n")


def test_every_key_of_the_json_is_documented(family: Path) -> None:
    text = (Path(__file__).parents[3] / "docs/cli.md").read_text()
    commands = [["members"], ["pick", "--budget-ms", 1], ["pick", "--budget-ms", 5]]
    answers = [
        json.loads(facet(*command, "--family", family, "--json").stdout) for command in commands
    ]
    assert [key for answer in answers for key in answer if f"`{key}`" not in text] == []
