import errno
import subprocess
import sys
from pathlib import Path

import pytest

from edge.files import csv_text, remove_leftovers, replacing, sha256_of, write_atomic


def test_sha256_of_the_textbook_message(tmp_path: Path) -> None:
    (tmp_path / "abc").write_text("abc")
    # FIPS 180-2, appendix B.1
    assert sha256_of(tmp_path / "abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


@pytest.mark.parametrize("content", ["ü\n", b"\xc3\xbc\n"])
def test_text_and_bytes_arrive_as_they_are(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "new folder" / "file"
    write_atomic(path, content)
    assert path.read_bytes() == b"\xc3\xbc\n"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def full(_file: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_names_the_file_that_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*/model\.pt'$"):
        write_atomic(tmp_path / "model.pt", "new")


def test_what_a_killed_writer_leaves_is_recognised(tmp_path: Path) -> None:
    code = (
        "import os, signal; from pathlib import Path; from edge.files import write_atomic\n"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_atomic(Path('model.pt'), 'half')"
    )
    project = {"PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=project)
    (left,) = tmp_path.iterdir()
    assert left.read_text() == "half"
    others = [tmp_path / name for name in ("model.pt", ".hidden", ".notes.tmp", "a.12345678.tmp")]
    for path in others:
        path.touch()
    remove_leftovers(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(others)


def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o640)
    write_atomic(path, "new")
    assert path.stat().st_mode & 0o777 == 0o640


def test_rows_become_csv() -> None:
    rows = [["a, b", 1, None], ["c", 2.5, "ü"]]
    assert csv_text(("name", "x", "y"), rows) == 'name,x,y\n"a, b",1,\nc,2.5,ü\n'


def test_an_error_while_it_is_written_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def half() -> None:
        with replacing(path) as file:
            file.write(b"half of the new")
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    with replacing(path) as file:
        file.write(b"all of ")
        file.write(b"the new")
    assert path.read_text() == "all of the new"
