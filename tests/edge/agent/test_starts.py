"""A death is a `Starts` that never leaves `running`: the file is all that stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.agent.starts import Starts

ORDER, A, B = "order", "a", "b"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "starts.json"


def die(path: Path, key: str, kept: int = 0) -> None:
    """A start of the agent that dies while `key` runs."""
    starts = Starts(path)
    starts.begin(ORDER, [A, B], kept)
    starts.running(key).__enter__()


def begin(path: Path, kept: int = 0) -> tuple[bool, dict[str, str]]:
    starts = Starts(path)
    return starts.begin(ORDER, [A, B], kept), starts.blocked


def test_an_order_that_ends_leaves_nothing(path: Path) -> None:
    starts = Starts(path)
    assert not starts.begin(ORDER, [A], 0)
    with starts.running(A):
        pass
    starts.end()
    assert begin(path) == (False, {})


def test_an_exception_is_no_death(path: Path) -> None:
    for _ in range(5):
        starts = Starts(path)
        starts.begin(ORDER, [A], 0)
        with pytest.raises(OSError, match="full"), starts.running(A):
            raise OSError("full")
    assert begin(path) == (False, {})


def test_a_model_that_killed_three_starts_is_blocked(path: Path) -> None:
    die(path, A)
    die(path, A)
    assert begin(path) == (True, {})
    die(path, A)
    assert begin(path) == (True, {A: "it killed 3 starts of the agent"})


def test_the_first_death_is_among_all_of_them_and_counts(path: Path) -> None:
    die(path, ORDER)
    die(path, B)
    die(path, B)
    assert begin(path)[1] == {B: "it killed 3 starts of the agent"}


def test_two_that_die_once_each_are_not_blocked(path: Path) -> None:
    die(path, A)
    die(path, B)
    die(path, A)
    assert begin(path) == (True, {})


def test_an_order_of_which_none_kills_alone(path: Path) -> None:
    for _ in range(3):
        die(path, ORDER)
    assert list(begin(path)[1]) == [ORDER]


def test_a_start_that_got_further_is_no_evidence(path: Path) -> None:
    for kept in range(10):
        die(path, ORDER, kept)
    assert begin(path, kept=9) == (True, {})


def test_a_block_outlives_the_order_and_the_process(path: Path) -> None:
    for _ in range(3):
        die(path, A)
    starts = Starts(path)
    starts.begin(ORDER, [A, B], 0)
    starts.end()
    assert list(Starts(path).blocked) == [A]


def test_another_order_begins_anew(path: Path) -> None:
    die(path, A)
    die(path, A)
    starts = Starts(path)
    assert not starts.begin("another", [A], 0)


@pytest.mark.parametrize("content", [b"", b"{", b'{"blocked": 3}', b"\xff"])
def test_a_damaged_file_holds_none(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert begin(path) == (False, {})
