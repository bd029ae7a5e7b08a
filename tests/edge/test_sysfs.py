from pathlib import Path

import pytest

from edge import sysfs


@pytest.mark.parametrize(
    ("content", "line", "number"),
    [
        ("1234.56 4000.00\n", "1234.56 4000.00", 1234.56),
        ("Raspberry Pi 5\0", "Raspberry Pi 5", None),
        ("-5", "-5", -5.0),
        ("\n", None, None),
        (None, None, None),  # there is no such file
    ],
)
def test_what_a_small_file_says(
    tmp_path: Path, content: str | None, line: str | None, number: float | None
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_text(content)
    assert sysfs.text(path) == content
    assert sysfs.line(path) == line
    assert sysfs.number(path) == number


def test_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xff1")
    assert sysfs.text(tmp_path / "file") == "\ufffd1"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert sysfs.text(tmp_path) is None


def test_numbers_are_those_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("2\n")
    assert sysfs.numbers([tmp_path / "a", tmp_path / "b"]) == [2.0]
