import os
import time
from pathlib import Path

import pytest

from edge.per_file import PerFile


class Reader:
    """Counts how often it reads."""

    def __init__(self) -> None:
        self.reads = 0

    def __call__(self, path: Path) -> str:
        self.reads += 1
        return path.read_text()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("one")
    return tmp_path / "file"


def later(path: Path, seconds: float) -> int:
    return path.stat().st_ctime_ns + int(seconds * 1e9)


def test_a_file_is_read_once_while_it_stays_the_same(path: Path) -> None:
    reader = Reader()
    read = PerFile(reader, clock=lambda: later(path, 1))
    assert [read(path), read(path), reader.reads] == ["one", "one", 1]


def test_a_change_that_keeps_size_and_time_is_seen(path: Path) -> None:
    reader = Reader()
    read = PerFile(reader, clock=lambda: later(path, 1))
    read(path)
    before = path.stat()
    time.sleep(0.02)  # a file system may have times in steps of some ms
    path.write_text("two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert [read(path), reader.reads] == ["two", 2]


def test_a_file_in_its_place_is_seen(path: Path) -> None:
    read = PerFile(Reader(), clock=lambda: later(path, 1))
    read(path)
    other = path.with_name("other")
    other.write_text("two")
    other.replace(path)
    assert read(path) == "two"


def test_a_file_that_has_only_just_changed_is_not_relied_on(path: Path) -> None:
    reader = Reader()
    read = PerFile(reader, clock=lambda: later(path, 0.05))
    assert [read(path), read(path), reader.reads] == ["one", "one", 2]


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        PerFile(Reader())(tmp_path / "nothing")
