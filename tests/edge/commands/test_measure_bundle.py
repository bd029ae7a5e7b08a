"""With results that are made up: ../test_carry_out.py measures."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edge import carry_out as module
from edge import record
from edge.bench import Failure
from edge.cli import main
from edge.locks import locked
from edge.orders import Order
from edge.record import Conditions, Measurement, Target
from edge.report_file import ReportFile
from edge.session import Result as Measured
from tests.edge.bundles import bundle, order, sha256, unpacked

TARGET = Target(
    device="a board", runtime="onnxruntime", runtime_version="1", provider="CPU",
    precision="fp32", threads=1,
)  # fmt: skip
GOOD = {"one": b"1", "two": b"22"}
PAGE = Path(__file__).parents[3] / "docs/cli.md"


def facet(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["measure", *map(str, arguments)])


@pytest.fixture(autouse=True)
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """Measures nothing: a model that is called bad fails. Returns the options of every call."""
    monkeypatch.chdir(tmp_path)
    called = []

    def carry_out(
        made: Order,
        files: Mapping[str, Path],
        *,
        progress: Callable[[str, int, int], None],
        **options: Any,
    ) -> list[Measured]:
        called.append(options)
        progress("measuring", 0, 1)
        results: list[Measured] = []
        for model in made.models:
            assert sha256(files[model.subject.sha256].read_bytes()) == model.subject.sha256
            if "bad" in model.subject.name:
                results.append(Failure(model.subject, "timeout", "no answer within 60 s"))
                continue
            results.append(
                Measurement(
                    subject=model.subject,
                    target=TARGET,
                    conditions=Conditions(wall_time="2026-07-01T00:00:00+00:00"),
                    warmup_ns=(),
                    samples_ns=((2_000_000,) * 100,) * 5,
                    verdict="clean",
                )
            )
        return results

    monkeypatch.setattr(module, "carry_out", carry_out)
    return called


def report_of(models: Mapping[str, bytes]) -> ReportFile:
    return ReportFile.of(order(models))


@pytest.mark.parametrize("kind", ["stick.zip", "stick.tar", "folder"])
def test_a_bundle_leaves_one_report(tmp_path: Path, kind: str, calls: list[dict[str, Any]]) -> None:
    path = bundle(tmp_path / kind.replace("folder", "stick.zip"), GOOD).path
    result = facet(unpacked(path, tmp_path / kind) if kind == "folder" else path)
    assert result.exit_code == 0, result.output
    report = report_of(GOOD)
    assert [m.subject for m in record.read(report.path)] == [
        model.subject for model in order(GOOD).models
    ]
    assert report.failures() is None
    assert f"Report: {report.path}" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert calls[0]["journal"] == report.journal


def test_what_failed_is_listed_in_a_file_and_exits_4(tmp_path: Path) -> None:
    models = {**GOOD, "bad": b"333"}
    result = facet(bundle(tmp_path / "stick.zip", models).path)
    assert result.exit_code == 4
    assert "- bad: timeout: no answer within 60 s" in result.stdout
    failures = report_of(models).failures()
    assert failures is not None
    assert [(f.sha256, f.kind) for f in failures.failures] == [(sha256(b"333"), "timeout")]


def test_the_json_is_the_documented_one(tmp_path: Path) -> None:
    models = {"one": b"1", "bad": b"333"}
    told = json.loads(facet(bundle(tmp_path / "stick.zip", models).path, "--json").stdout)
    report = report_of(models)
    assert told["order"] == order(models).id
    assert (told["report"], told["failures"]) == (str(report.path), str(report.failures_path))
    assert told["measured"][0]["file"] == f"models/{sha256(b'1')}.onnx"
    assert told["measured"][0]["median_ms"] == 2.0
    assert [key for key in told if f"`{key}`" not in PAGE.read_text()] == []


def test_another_place_for_the_report(tmp_path: Path) -> None:
    out = tmp_path / "new" / "mine.jsonl"
    assert facet(bundle(tmp_path / "stick.zip", GOOD).path, "--out", out).exit_code == 0
    assert len(record.read(out)) == 2


def test_a_report_is_not_doubled(tmp_path: Path) -> None:
    path = bundle(tmp_path / "stick.zip", GOOD).path
    for _ in range(2):
        facet(path)
    assert len(record.read(report_of(GOOD).path)) == 2


def test_two_calls_for_one_report_do_not_write_the_same_journal(
    tmp_path: Path, calls: list[dict[str, Any]]
) -> None:
    path = bundle(tmp_path / "stick.zip", GOOD).path
    with locked(report_of(GOOD).lock, "the order"):
        result = facet(path)
    assert result.exit_code == 1
    assert f"process {os.getpid()} is already at work on the order in {path}" in " ".join(
        result.stderr.split()
    )
    assert calls == []
    assert facet(path).exit_code == 0


def test_a_report_that_cannot_be_written_is_found_before_measuring(
    tmp_path: Path, calls: list[dict[str, Any]]
) -> None:
    (tmp_path / "file").touch()
    result = facet(bundle(tmp_path / "stick.zip", GOOD).path, "--out", tmp_path / "file" / "r")
    assert result.exit_code == 1
    assert "cannot write" in " ".join(result.stderr.split())
    assert calls == []


def test_another_file_in_the_place_of_the_report_stays_as_it_is(
    tmp_path: Path, calls: list[dict[str, Any]]
) -> None:
    other = tmp_path / "settings.json"
    other.write_text('{"a": 1}')  # no newline at its end
    result = facet(bundle(tmp_path / "stick.zip", GOOD).path, "--out", other)
    assert result.exit_code == 1
    assert "choose another --out" in result.stderr
    assert other.read_text() == '{"a": 1}'
    assert calls == []


def test_a_damaged_bundle_is_not_measured(tmp_path: Path, calls: list[dict[str, Any]]) -> None:
    folder = unpacked(bundle(tmp_path / "stick.zip", GOOD).path, tmp_path / "folder")
    (folder / f"models/{sha256(b'22')}.onnx").write_bytes(b"23")
    result = facet(folder)
    assert result.exit_code == 1
    assert "damaged or was altered" in " ".join(result.stderr.split())
    assert calls == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["stick.zip", "stick.zip"], "measured alone"),
        (["stick.zip", "model.onnx"], "measured alone"),
        (["stick.zip", "--threads", 2], "settles --threads"),
        (["stick.zip", "--runtime", "litert", "--blocks", 5], "settles --runtime, --blocks"),
    ],
)
def test_the_order_says_how_and_a_bundle_is_alone(
    tmp_path: Path, arguments: list[object], says: str
) -> None:
    bundle(tmp_path / "stick.zip", GOOD)
    (tmp_path / "model.onnx").write_bytes(b"1")
    result = facet(*arguments)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())


def test_the_memory_limit_is_the_board_s_affair(
    tmp_path: Path, calls: list[dict[str, Any]]
) -> None:
    facet(bundle(tmp_path / "stick.zip", GOOD).path, "--memory-limit", 512)
    assert calls[0]["memory_limit_bytes"] == 536_870_912
