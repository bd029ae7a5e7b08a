from __future__ import annotations

import json
import random
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.feedback.intake import FeedbackError, add
from edge.record import (
    MAX_RECORD_BYTES,
    MAX_SAMPLE_NS,
    Conditions,
    Measurement,
    RecordError,
    Subject,
    read_all,
    unique,
)
from tests.edge.feedback.made_up import NOW, TARGET, measured, write

ONE, TWO, THREE = measured(1.0, "conv_k3"), measured(2.0, "sep_k3"), measured(3.0)


def reasons(tmp_path: Path, *lines: str | Measurement) -> list[tuple[int, str]]:
    """The refusals of a file of these lines."""
    report = tmp_path / "report.jsonl"
    text = [line if isinstance(line, str) else line.to_json() for line in lines]
    report.write_text("".join(f"{line}\n" for line in text), encoding="utf-8")
    (intake,) = add([report], tmp_path / "m", NOW)
    return [(refusal.line, refusal.reason) for refusal in intake.refused]


def changed(record: Measurement, **fields: object) -> str:
    return json.dumps({**json.loads(record.to_json()), **fields})


def test_records_are_filed_by_their_content(tmp_path: Path) -> None:
    (intake,) = add([write(tmp_path / "report.jsonl", ONE, TWO)], tmp_path / "m", NOW)
    assert (intake.added, intake.known, intake.refused) == (2, 0, ())
    assert read_all(tmp_path / "m") == unique([ONE, TWO])
    assert [intake.filed] == list((tmp_path / "m").iterdir())
    (again,) = add([write(tmp_path / "other.jsonl", TWO, ONE)], tmp_path / "n", NOW)
    assert again.filed is not None
    assert intake.filed is not None
    assert again.filed.name == intake.filed.name
    assert again.filed.read_bytes() == intake.filed.read_bytes()


def test_a_record_is_filed_once(tmp_path: Path) -> None:
    first = write(tmp_path / "first.jsonl", ONE, ONE)
    second = write(tmp_path / "second.jsonl", ONE, TWO)
    results = add([first, second], tmp_path / "m", NOW)
    assert [(i.added, i.known) for i in results] == [(1, 1), (1, 1)]
    (again,) = add([second], tmp_path / "m", NOW)
    assert (again.added, again.known, again.filed) == (0, 2, None)
    assert len(list((tmp_path / "m").iterdir())) == 2


def test_what_was_copied_by_hand_is_known(tmp_path: Path) -> None:
    write(tmp_path / "m" / "by-hand.jsonl", ONE)
    (intake,) = add([write(tmp_path / "report.jsonl", ONE)], tmp_path / "m", NOW)
    assert (intake.added, intake.known) == (0, 1)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([ONE, TWO, THREE]), max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_reports_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, records: list[Measurement], rng: random.Random
) -> None:
    folder = tmp_path_factory.mktemp("reports")
    files = [write(folder / f"{n}.jsonl", record) for n, record in enumerate(records)]
    rng.shuffle(files)
    results = add(files, folder / "m", NOW)
    assert read_all(folder / "m") == unique(records)
    assert sum(intake.added for intake in results) == len(unique(records))


def test_good_records_count_beside_bad_ones(tmp_path: Path) -> None:
    report = write(tmp_path / "report.jsonl", ONE)
    report.write_text("no JSON\n\n" + report.read_text())
    (intake,) = add([report], tmp_path / "m", NOW)
    assert intake.added == 1
    assert [refusal.line for refusal in intake.refused] == [1]
    assert read_all(tmp_path / "m") == [ONE]


def test_a_file_that_was_cut_short_says_so(tmp_path: Path) -> None:
    report = write(tmp_path / "report.jsonl", ONE)
    report.write_text(report.read_text() + TWO.to_json()[:-1])
    (intake,) = add([report], tmp_path / "m", NOW)
    assert intake.added == 1
    assert [(r.line, r.reason) for r in intake.refused] == [
        (2, "cut short: the file ends in the middle of it")
    ]


def test_hostile_lines_are_refused_one_by_one(tmp_path: Path) -> None:
    too_slow = changed(ONE, samples_ns=[[MAX_SAMPLE_NS + 1]])
    report = tmp_path / "report.jsonl"
    lines = [
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"version":' + b"9" * 5000 + b"}",
        changed(ONE, surprise=1).encode(),
        changed(ONE, version=2).encode(),
        too_slow.encode(),
        changed(ONE, samples_ns=[["NaN"]]).encode(),
        b'"' + b"a" * (2 * MAX_RECORD_BYTES) + b'"',
        ONE.to_json().encode(),
    ]
    report.write_bytes(b"\n".join(lines) + b"\n")
    (intake,) = add([report], tmp_path / "m", NOW)
    assert intake.added == 1
    assert [refusal.line for refusal in intake.refused] == [1, 2, 3, 4, 5, 6, 7, 8]
    said = [refusal.reason for refusal in intake.refused]
    assert said[3] == "surprise: Extra inputs are not permitted"
    assert said[4] == "version 2 is not 1, the one this edgefacet reads: update edgefacet"
    assert "is not a latency" in said[5]
    assert said[7] == "larger than 4 MiB, the most a record may have"


def test_a_record_may_have_the_most_there_is(tmp_path: Path) -> None:
    subject = ONE.subject.model_dump()
    subject["name"] = "x" * (MAX_RECORD_BYTES - len(ONE.to_json()) + len(subject["name"]))
    largest = Measurement.model_validate({**ONE.model_dump(), "subject": subject})
    assert len(largest.to_json()) == MAX_RECORD_BYTES
    assert reasons(tmp_path, largest) == []


def test_a_record_that_would_be_too_large_once_filed_is_refused(tmp_path: Path) -> None:
    """It is filed in ASCII, where a letter of two bytes takes six: nobody could read it then."""
    line = changed(ONE, reasons=["é" * (MAX_RECORD_BYTES // 3)])
    ((_, reason),) = reasons(tmp_path, json.dumps(json.loads(line), ensure_ascii=False))
    assert reason.startswith("larger than 4 MiB")
    assert read_all(tmp_path / "m") == []


def test_only_networks_whose_blocks_are_known_are_taken(tmp_path: Path) -> None:
    file = measured(1.0, subject=Subject(kind="file", name="m", sha256="0"))
    nameless = measured(1.0, subject=Subject(kind="network", name="m", sha256="0"))
    broken = measured(
        1.0, subject=ONE.subject.model_copy(update={"architecture": {"space": "mbconv"}})
    )
    chain = measured(1.0, subject=Subject(kind="chain", name="skip x4", sha256="0", repeat=4))
    said = reasons(tmp_path, file, nameless, broken, chain)
    assert said[0][1].startswith("measures a file, not a network whose blocks are known: ")
    assert said[1][1] == "the record of 'm' holds no architecture"
    assert said[2][1].startswith("not an architecture: input_shape: ")
    assert "such records go to the stage that ordered them" in said[3][1]


def test_what_a_profile_judges_itself_by_is_refused(tmp_path: Path) -> None:
    """Its report holds all that it ordered; only the anchors are for everybody."""
    roles = [measured(1.0, "sep_k3", role=role) for role in ("base", "heldout", "anchor")]
    said = reasons(tmp_path, *roles)
    assert [line for line, _ in said] == [1, 2]
    assert said[0][1].startswith("is a base network of a profile, ")
    assert said[1][1].startswith("is a heldout network of a profile, ")
    assert [m.subject.role for m in read_all(tmp_path / "m")] == ["anchor"]


@pytest.mark.parametrize(
    "change",
    [{"device": "Raspberry Pi 4, 4 cores, aarch64, emulated"}, {"provider": "Simulated"}],
)
def test_what_is_no_hardware_is_refused(tmp_path: Path, change: dict[str, str]) -> None:
    ((_, reason),) = reasons(tmp_path, measured(1.0, target=TARGET.model_copy(update=change)))
    assert reason.startswith("was not measured on hardware: ")


@pytest.mark.parametrize(
    ("age", "problem"),
    [
        (timedelta(hours=-23), None),
        (timedelta(hours=-25), "taken in the future, 2026-07-02"),
        (timedelta(days=500), None),
        (timedelta(days=20_000), "taken before there were such records, 1971"),
    ],
)
def test_a_clock_that_is_wrong(tmp_path: Path, age: timedelta, problem: str | None) -> None:
    said = reasons(tmp_path, measured(1.0, age_days=age / timedelta(days=1)))
    assert [reason[: len(problem or "")] for _, reason in said] == ([problem] if problem else [])


def test_a_time_that_is_none(tmp_path: Path) -> None:
    record = measured(1.0, conditions=Conditions(wall_time="yesterday"))
    assert reasons(tmp_path, record) == [
        (1, "taken at 'yesterday', which is no moment: set the device's clock and measure again")
    ]


def test_a_verdict_that_the_record_itself_denies(tmp_path: Path) -> None:
    throttled = Conditions(wall_time=NOW.isoformat(), throttled=True)
    said = reasons(tmp_path, measured(1.0, conditions=throttled), measured(1.0, samples_ns=((9,),)))
    assert said == [
        (1, "is called clean-unverified, but the device throttled"),
        (2, "is called clean-unverified, but too few blocks of runs: 1 of 3"),
    ]
    assert reasons(tmp_path, measured(1.0, conditions=throttled, verdict="invalid")) == []


def test_a_file_that_cannot_be_read_stops_all(tmp_path: Path) -> None:
    good = write(tmp_path / "report.jsonl", ONE)
    with pytest.raises(FeedbackError, match=r"nothing\.jsonl cannot be read: No such file"):
        add([good, tmp_path / "nothing.jsonl"], tmp_path / "m", NOW)
    assert not (tmp_path / "m").exists()


def test_a_broken_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "x.jsonl").write_text("no JSON\n")
    with pytest.raises(RecordError, match=r"x\.jsonl:1: record: Invalid JSON"):
        add([write(tmp_path / "report.jsonl", ONE)], tmp_path / "m", NOW)
