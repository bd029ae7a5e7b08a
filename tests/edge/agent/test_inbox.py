from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from edge.agent import inbox as module
from edge.agent.inbox import DOUBT, MAX_FILE_BYTES, Inbox, Taken
from edge.record import Measurement, parse
from tests.edge.feedback.made_up import network

NOW_S = 1_800_000_000.0
LINE: dict[str, Any] = {
    "name": "few-large",
    "sha256": "a" * 64,
    "runtime": "onnxruntime",
    "runtime_version": "1.20.1",
    "provider": "CPUExecutionProvider",
    "precision": "int8",
    "threads": 2,
    "latency_ms": [1.5, 2.0, 2.5],
}


def look(folder: Path, now_s: float = NOW_S) -> list[Taken]:
    return list(Inbox(folder, root=folder / "nowhere").look(now_s))


def drop(folder: Path, *lines: dict[str, Any] | str, name: str = "app", end: str = "\n") -> Path:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path = folder / f"{name}.jsonl"
    path.write_text("\n".join(texts) + end)
    os.utime(path, (NOW_S - 5, NOW_S - 5))
    return path


def only(folder: Path) -> Measurement:
    (taken,) = look(folder)
    assert taken.problems == ()
    (record,) = taken.records
    assert parse(record.to_json()) == record
    return record


def test_a_line_becomes_a_record_of_this_board(tmp_path: Path) -> None:
    drop(tmp_path, LINE)
    record = only(tmp_path)
    assert record.subject.model_dump(exclude_none=True) == {
        "kind": "file",
        "name": "few-large",
        "sha256": "a" * 64,
    }
    assert (record.target.runtime_version, record.target.threads) == ("1.20.1", 2)
    assert record.target.device.endswith("generic")
    assert [ns for block in record.samples_ns for ns in block] == [1_500_000, 2_000_000, 2_500_000]
    assert record.conditions.wall_time == "2027-01-15T07:59:55+00:00"  # of the file


def test_nobody_controlled_the_conditions(tmp_path: Path) -> None:
    drop(tmp_path, {**LINE, "latency_ms": [2.0] * 700})
    record = only(tmp_path)
    assert (record.verdict, record.reasons) == ("suspect", (DOUBT,))
    assert [len(block) for block in record.samples_ns] == [100] * 7


def test_lines_of_one_model_are_one_record_in_their_order(tmp_path: Path) -> None:
    drop(tmp_path, {**LINE, "latency_ms": [1.0, 2.0]}, {**LINE, "latency_ms": [3.0]})
    assert only(tmp_path).samples_ns == ((1_000_000,), (2_000_000,), (3_000_000,))


def test_another_model_or_target_is_another_record(tmp_path: Path) -> None:
    drop(tmp_path, LINE, {**LINE, "threads": 1}, {**LINE, "sha256": "b" * 64})
    (taken,) = look(tmp_path)
    assert len(taken.records) == 3


def test_many_runs_are_sampled_evenly(tmp_path: Path) -> None:
    drop(tmp_path, {**LINE, "latency_ms": [float(n) for n in range(1, 8001)]})
    runs = [ns for block in only(tmp_path).samples_ns for ns in block]
    assert runs == [n * 1_000_000 for n in range(1, 8001, 4)]


def test_a_member_of_a_family_is_a_network(tmp_path: Path) -> None:
    architecture = network("conv_k3")
    drop(tmp_path, {**LINE, "architecture": architecture.to_dict()})
    subject = only(tmp_path).subject
    assert (subject.kind, subject.role) == ("network", "member")
    assert subject.read_architecture() == architecture


def test_the_same_file_is_the_same_record_again(tmp_path: Path) -> None:
    drop(tmp_path, LINE)
    first = only(tmp_path)
    assert only(tmp_path).id == first.id


@pytest.mark.parametrize(
    "change",
    [
        {"latency_ms": []},
        {"latency_ms": [0.0]},
        {"latency_ms": [-1.0]},
        {"latency_ms": [1e9]},
        {"latency_ms": ["1"] * 3 + [None]},
        {"sha256": "nothing"},
        {"runtime": "../etc"},
        {"threads": 0},
        {"command": "rm"},
        {"name": "x" * 1000},
        {"architecture": {"rows": 3}},
        {"architecture": 3},
    ],
)
def test_a_malformed_line_is_refused_and_the_others_count(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    drop(tmp_path, {**LINE, **change}, {**LINE, "sha256": "c" * 64})
    (taken,) = look(tmp_path)
    assert [record.subject.sha256 for record in taken.records] == ["c" * 64]
    assert len(taken.problems) == 1


@pytest.mark.parametrize(
    "line", ["", "{", "null", "[" * 5000, '{"latency_ms": [NaN]}', "\x00\x00", "\ud83d"]
)
def test_garbage(tmp_path: Path, line: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(line.encode(errors="surrogatepass") + b"\n\xff\xfe\n")
    (taken,) = look(tmp_path)
    assert taken.records == ()
    assert taken.problems[-1].startswith("line 2: ")


def test_a_file_that_is_being_written_is_left_for_a_minute(tmp_path: Path) -> None:
    drop(tmp_path, LINE, '{"name": "few-la', end="")
    assert look(tmp_path) == []
    (taken,) = look(tmp_path, NOW_S + 60)
    assert len(taken.records) == 1
    assert taken.problems == ("its last line is cut short",)


def test_a_clock_that_was_set_back_leaves_nothing_for_ever(tmp_path: Path) -> None:
    drop(tmp_path, "{", end="")
    assert len(look(tmp_path, NOW_S - 10**6)) == 1


def test_a_file_of_a_year_that_no_calendar_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tmpfs keeps such times."""
    path = drop(tmp_path, LINE)
    odd = os.stat_result((*path.stat()[:8], 10**12, 10**12))
    monkeypatch.setattr(Inbox, "_files", lambda _: [(path, odd)])
    (taken,) = look(tmp_path)
    assert (taken.records, taken.problems) == ((), ("changed at a time that is no date",))


def test_what_is_no_file_of_ours_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(json.dumps(LINE) + "\n")
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "secret")
    (tmp_path / "loop.jsonl").symlink_to(tmp_path / "loop.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")
    drop(tmp_path, LINE).rename(tmp_path / "half.jsonl.tmp")
    assert look(tmp_path) == []


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    path = drop(tmp_path, LINE)
    os.truncate(path, MAX_FILE_BYTES + 1)
    (taken,) = look(tmp_path)
    assert (taken.records, taken.problems) == ((), ("larger than 1 MiB",))


def test_the_oldest_go_where_the_folder_is_too_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = drop(tmp_path, LINE, name="app-0").stat().st_size
    monkeypatch.setattr(module, "MAX_FOLDER_BYTES", 3 * size)
    for n in range(4):
        os.utime(drop(tmp_path, LINE, name=f"app-{n}"), (n, n))
    taken = look(tmp_path)
    assert [len(one.records) for one in taken] == [0, 1, 1, 1]
    assert taken[0].problems == ("the inbox is too full",)


def test_not_all_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILES", 2)
    for n in range(3):
        drop(tmp_path, LINE, name=f"app-{n}")
    assert [one.path.name for one in look(tmp_path)] == ["app-0.jsonl", "app-1.jsonl"]


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    drop(tmp_path, LINE).rename(tmp_path / os.fsdecode(b"\xff.jsonl"))
    assert len(look(tmp_path)) == 1


def test_a_file_in_the_place_of_the_one_that_was_read_stays(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, root=tmp_path / "nowhere")
    path = drop(tmp_path, LINE)
    (taken,) = inbox.look(NOW_S)
    drop(tmp_path, {**LINE, "threads": 1}, name="new").rename(path)
    inbox.remove(taken)
    (again,) = inbox.look(NOW_S)
    assert again.records[0].target.threads == 1
    inbox.remove(again)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_removed_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = Inbox(tmp_path, root=tmp_path / "nowhere")
    drop(tmp_path, LINE)
    (taken,) = inbox.look(NOW_S)

    def denied(*_: object, **__: object) -> None:
        raise PermissionError("not yours")

    monkeypatch.setattr(Path, "unlink", denied)
    inbox.remove(taken)
    assert list(inbox.look(NOW_S)) == []


def test_no_folder_no_files(tmp_path: Path) -> None:
    assert look(tmp_path / "none") == []
