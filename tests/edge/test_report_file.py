from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.bench import Failure
from edge.record import Conditions, Measurement, RecordError, Target, read
from edge.report_file import ReportError, ReportFile, failed_model
from tests.edge.bundles import order

ORDER = order({"one": b"1", "two": b"2"})
SHA256 = ORDER.models[1].subject.sha256
TARGET = Target(
    device="d", runtime="r", runtime_version="1", provider="p", precision="fp32", threads=1
)


def measurement(ns: int) -> Measurement:
    return Measurement(
        subject=ORDER.models[0].subject,
        target=TARGET,
        conditions=Conditions(wall_time="2026-07-01T00:00:00+00:00"),
        warmup_ns=(),
        samples_ns=((ns, ns),),
        verdict="clean",
    )


def failure(detail: str = "no answer") -> Failure:
    return Failure(ORDER.models[1].subject, "timeout", detail)


def test_its_name_tells_the_order(tmp_path: Path) -> None:
    report = ReportFile.of(ORDER, tmp_path)
    assert report.path == tmp_path / f"report-{ORDER.id[:12]}.jsonl"
    assert report.failures_path == tmp_path / f"report-{ORDER.id[:12]}.failures.json"


def test_records_and_failures_are_read_back(tmp_path: Path) -> None:
    report = ReportFile(tmp_path / "new" / "report.jsonl")
    report.prepare()
    assert report.records() == []
    report.write(ORDER, [measurement(1), failure()])
    assert read(report.path) == [measurement(1)]
    failures = report.failures()
    assert failures is not None
    assert (failures.order, failures.failures) == (ORDER.id, (failed_model(failure()),))
    assert json.loads(report.failures_path.read_text())["failures"] == [
        {"sha256": SHA256, "kind": "timeout", "detail": "no answer"}
    ]
    assert sorted(p.name for p in report.path.parent.iterdir()) == [
        "report.failures.json",
        "report.jsonl",
    ]


def test_what_is_measured_again_is_added_and_what_works_now_is_no_failure(tmp_path: Path) -> None:
    report = ReportFile(tmp_path / "report.jsonl")
    report.write(ORDER, [measurement(1), failure()])
    report.write(ORDER, [measurement(1), measurement(2)])
    assert report.records() == [measurement(1), measurement(2)]
    assert report.failures() is None


def test_another_file_in_its_place_is_found_before_the_work(tmp_path: Path) -> None:
    report = ReportFile(tmp_path / "report.jsonl")
    report.path.write_text("a letter\n")
    with pytest.raises(RecordError, match=r"report\.jsonl:1"):
        report.prepare()
    assert report.path.read_text() == "a letter\n"


def test_a_place_that_cannot_be_written_is_found_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        ReportFile(tmp_path / "file" / "report.jsonl").prepare()


def test_what_failed_is_told_in_bounds() -> None:
    assert failed_model(failure("x" * 3000)).detail == "x" * 2000
    assert failed_model(failure("not \udcff text")).detail == "not ? text"
    assert failed_model(failure("No\0such")).detail == "No?such"


def test_a_damaged_list_of_failures_says_to_measure_again(tmp_path: Path) -> None:
    report = ReportFile(tmp_path / "report.jsonl")
    report.failures_path.write_text('{"version": 1, "order": "x", "failures": []}')
    with pytest.raises(ReportError, match=r"order: .*measure again"):
        report.failures()
