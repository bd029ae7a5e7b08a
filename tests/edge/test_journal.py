import errno
import io
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from edge.journal import Block, Journal
from edge.sensors import CpuTimes, Sensors

SENSORS = Sensors("2026-01-01T00:00:00+00:00", clock_mhz=1500.0, cpu=CpuTimes(3.0, 2.0, 1.0))
BLOCK = Block([9], [1, 2], 4096, SENSORS, replace(SENSORS, cpu=None))


def test_what_was_kept_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "journal.jsonl"
    with Journal(path, ["target"]) as journal:
        journal.append("a", [BLOCK])
        journal.append("b", [])
    with Journal(path, ["target"]) as journal:
        assert journal.blocks("a") == [BLOCK]
        assert journal.blocks("b") == []
        journal.append("a", [BLOCK])
    with Journal(path, ["target"]) as journal:
        assert journal.blocks("a") == [BLOCK, BLOCK]


def test_a_journal_of_something_else_is_thrown_away(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path, ["target"]) as journal:
        journal.append("a", [BLOCK])
    with Journal(path, ["other"]) as journal:
        assert journal.blocks("a") == []
    assert path.read_text() == '["other"]\n'


@pytest.mark.parametrize("damage", ['["b", {"samp', "no JSON\n", '["b", {"samples_ns": [1]}]\n'])
def test_blocks_before_the_damage_survive(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path, []) as journal:
        journal.append("a", [BLOCK])
    whole = path.read_text()
    path.write_text(whole + damage)
    with Journal(path, []) as journal:
        assert journal.blocks("a") == [BLOCK]
    assert path.read_text() == whole


def test_a_disk_that_is_full_leaves_the_blocks_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "journal.jsonl"
    with Journal(path, []) as journal:
        journal.append("a", [BLOCK])
    whole = path.read_text()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"), Journal(path, []):
        pass
    assert path.read_text() == whole


def test_a_disk_that_fills_is_told_with_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", lambda *_, **_options: Full())
    told = pytest.raises(OSError, match=r"No space left on device: '.*/journal\.jsonl'$")
    with Journal(tmp_path / "journal.jsonl", []) as journal, told:
        journal.append("a", [BLOCK])


def test_without_a_path_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Journal(None, []) as journal:
        journal.append("a", [BLOCK])
    assert list(tmp_path.iterdir()) == []


def test_a_line_is_on_the_disk_before_the_next_block(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path, []) as journal:
        journal.append("a", [BLOCK])
        assert json.loads(path.read_text().splitlines()[1])[0] == "a"
