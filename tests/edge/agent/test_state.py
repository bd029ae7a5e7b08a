from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from edge.agent.state import (
    RESERVE_BYTES,
    DiskFull,
    State,
    StateTaken,
    StateUnusable,
    holder,
    is_full,
)


def test_a_second_agent_is_told_who_holds_the_state(tmp_path: Path) -> None:
    with State(tmp_path), pytest.raises(StateTaken, match=f"process {os.getpid()}"):
        State(tmp_path)
    State(tmp_path).__exit__()


def test_the_holder_is_known_while_it_lives(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    with State(tmp_path):
        assert holder(tmp_path) == f"process {os.getpid()}"
        (tmp_path / "agent.pid").unlink()
        assert holder(tmp_path) == "another process"
    assert holder(tmp_path) is None
    assert holder(tmp_path / "nowhere") is None


def test_the_lock_ends_with_the_process_however_it_ends(tmp_path: Path) -> None:
    code = (
        "import os, sys, pathlib; from edge.agent.state import State;"
        "State(pathlib.Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    root = Path(__file__).parents[3]
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=root)
    assert run.returncode == -9
    assert (tmp_path / "agent.pid").exists()
    with State(tmp_path):
        pass


def test_a_place_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateUnusable, match="choose another --state"):
        State(tmp_path / "file")


def test_leftovers_go_and_the_rest_stays(tmp_path: Path) -> None:
    with State(tmp_path) as state:
        state.models.mkdir()
        state.journals.mkdir()
        left = [
            state.models / "a.part",
            state.journals / ".an-order.a-target.abcdefgh.tmp",
            tmp_path / "reserve.part",
            tmp_path / ".status.json.abcdefgh.tmp",
        ]
        for path in (*left, state.status):
            path.write_text("")
        state.clean()
        assert not any(path.exists() for path in left)
        assert state.status.exists()


def test_the_reserve_is_room_that_can_be_given_up(tmp_path: Path) -> None:
    with State(tmp_path) as state:
        state.keep_reserve()
        state.keep_reserve()
        assert (tmp_path / "reserve").stat().st_size == RESERVE_BYTES
        state.use_reserve()
        state.use_reserve()
        assert not (tmp_path / "reserve").exists()


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "x"), True),
        (OSError(errno.EROFS, "x"), True),
        (DiskFull("too little"), True),
        (OSError(errno.EACCES, "x"), False),
        (sqlite3.OperationalError("database or disk is full"), True),
        (sqlite3.OperationalError("attempt to write a readonly database"), True),
        (sqlite3.OperationalError("no such table: items"), False),
        (ValueError("disk is full"), False),
    ],
)
def test_what_counts_as_a_full_disk(error: Exception, full: bool) -> None:
    assert is_full(error) == full
