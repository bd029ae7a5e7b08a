import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edge import __version__
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
        "parameters": 1,
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


@pytest.mark.parametrize("command", [[], *([name] for name in sorted(main.commands))])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_has_help(command: list[str], option: str) -> None:
    result = facet(*command, option)
    assert result.exit_code == 0
    assert result.output.startswith("Usage: ")
    described = main.commands[command[0]].help if command else main.help
    assert described
    assert max(map(len, result.output.splitlines())) <= 80


def test_version() -> None:
    assert facet("--version").output == f"facet, version {__version__}\n"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, edge.cli;"
        "print(sorted({'numpy', 'pydantic', 'onnxruntime'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("[]\n", "")


def test_info_says_what_it_sees() -> None:
    text = facet("info")
    assert text.exit_code == 0
    assert "Device:" in text.output
    facts = json.loads(facet("info", "--json").output)
    assert facts["device"]
    assert "onnxruntime" in facts["runtimes"]
    assert isinstance(facts["advice"], list)


def test_members_fit_in_80_columns(family: Path) -> None:
    result = facet("members", "--family", family)
    lines = result.output.splitlines()
    assert result.exit_code == 0
    assert max(map(len, lines)) == 80
    head, small, large = lines[-3:]
    assert " ".join(head.split()) == "member hold-out test median ms p95 ms size kB MMACs"
    assert small.split() == ["small", "80.00%", "79.00%", "0.750", "1.500", "99", "12.34"]
    assert large.startswith("large-with-a-name")
    assert "…" in large


def test_members_as_json(family: Path) -> None:
    members = json.loads(facet("members", "--family", family, "--json").output)
    assert members[0]["name"] == "small"
    assert members[0]["latencies"][0]["p95_ms"] == 1.5


def test_pick_explains_itself(family: Path) -> None:
    result = facet("pick", "--family", family, "--budget-ms", 2)
    assert result.exit_code == 0
    assert result.output.startswith("small: p95 <= 1.500 ms, 0.500 ms below the budget of 2 ms;")


def test_pick_as_json(family: Path) -> None:
    answer = json.loads(facet("pick", "--family", family, "--budget-ms", 5, "--json").output)
    assert answer["name"].startswith("large")
    assert answer["runner_up"] == "small"
    assert answer["margin_ms"] == pytest.approx(2.0)


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


def test_an_error_exits_1_without_a_traceback(tmp_path: Path) -> None:
    result = facet("members", "--family", tmp_path / "nothing")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: no family at ")
    assert result.stdout == ""


def test_a_target_is_chosen_by_its_id(tmp_path: Path) -> None:
    other = TARGET.model_copy(update={"threads": 4})
    folder = write(tmp_path, member("one", 0.8, 1.5), member("four", 0.9, 1.0, other))
    question = ["pick", "--family", folder, "--budget-ms", 2]
    refused = facet(*question)
    assert refused.exit_code == 1
    assert TARGET.id in refused.stderr
    assert other.id in refused.stderr
    assert facet(*question, "--target", TARGET.id).output.startswith("one: ")
    listed = facet("members", "--family", folder).output
    assert f"Target {TARGET.id}" in listed
    assert f"Target {other.id}" in listed
