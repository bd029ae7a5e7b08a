from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge import locks
from edge.locks import Locked, locked


def test_one_at_a_time_and_the_other_is_told_who(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        locked(path, "the order"),
        pytest.raises(Locked, match=rf"process {os.getpid()} is already at work on the order"),
        locked(path, "the order"),
    ):
        pass


def test_it_is_free_and_gone_afterwards_whatever_happened(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with pytest.raises(KeyError), locked(path, "it"):
        raise KeyError
    assert not path.exists()
    with locked(path, "it"):
        assert path.read_text() == str(os.getpid())


def test_what_a_killed_holder_left_hinders_nobody(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text("123456789")
    with locked(path, "it"):
        assert path.read_text() == str(os.getpid())


def test_a_file_that_its_holder_removed_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends between the moment in which the file is opened and that in which it is locked."""
    path = tmp_path / "lock"
    flock, removed = locks.fcntl.flock, []

    def late(file: object, how: int) -> None:
        if not removed:
            removed.append(path.read_text())
            path.unlink()
        flock(file, how)  # type: ignore[arg-type]

    monkeypatch.setattr(locks.fcntl, "flock", late)
    with locked(path, "it"), pytest.raises(Locked), locked(path, "it"):
        pass
    assert removed == [""]


def test_no_folder_no_lock(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), locked(tmp_path / "no" / "lock", "it"):
        pass
