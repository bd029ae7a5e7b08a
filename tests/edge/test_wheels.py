from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from edge import __version__
from edge.wheels import Board, WheelError, fetch, install_command, run_pip, wheels_in

BOARD = Board("aarch64", "3.11")


class Pip:
    """Puts a wheel where it is told to, or fails."""

    def __init__(self, code: int = 0, says: str = "a\nb\nERROR: no wheel\n") -> None:
        self.calls: list[list[str]] = []
        self._code = code
        self._says = says

    def __call__(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        self.calls.append(list(arguments))
        for argument in arguments:
            if argument.startswith("--dest="):
                (Path(argument.removeprefix("--dest=")) / "numpy.whl").touch()
        return subprocess.CompletedProcess(arguments, self._code, "", self._says)


@pytest.mark.parametrize("text", ["aarch64:3.11", "x86_64:3.13"])
def test_a_board_is_its_processor_and_its_python(text: str) -> None:
    board = Board.parse(text)
    assert f"{board.arch}:{board.python}" == text


@pytest.mark.parametrize(("name", "arch"), [("arm64", "aarch64"), ("amd64", "x86_64")])
def test_a_processor_may_have_its_name_of_debian(name: str, arch: str) -> None:
    assert Board.parse(f"{name}:3.11") == Board(arch, "3.11")


@pytest.mark.parametrize("text", ["arm v7:3.11", "aarch64", "aarch64:2.7", "aarch64:3.11 --user"])
def test_another_board_says_how_one_is_written(text: str) -> None:
    with pytest.raises(WheelError, match=r"as in aarch64:3\.11"):
        Board.parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("armv7l:3.11", "no runtime has wheels for armv7l, only for aarch64 and x86_64"),
        ("aarch64:3.9", "needs Python 3.10 or later, not 3.9"),
    ],
)
def test_a_board_that_no_wheel_fits_is_told_before_pip_runs(text: str, message: str) -> None:
    with pytest.raises(WheelError, match=message):
        Board.parse(text)


def test_the_oldest_python_is_that_of_the_package() -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert 'requires-python = ">=3.10"' in project
    assert Board.parse("aarch64:3.10").python == "3.10"


def test_pip_is_asked_for_the_board_s_wheels_and_for_no_source(tmp_path: Path) -> None:
    pip = Pip()
    assert fetch(BOARD, "onnxruntime", tmp_path, run=pip, checkout=tmp_path) == [
        tmp_path / "numpy.whl"
    ]
    assert pip.calls == [
        [
            "download",
            "--only-binary=:all:",
            "--platform=manylinux_2_28_aarch64",
            "--platform=manylinux_2_27_aarch64",
            "--platform=manylinux2014_aarch64",
            "--python-version=3.11",
            "--implementation=cp",
            f"--find-links={tmp_path}",
            f"--dest={tmp_path}",
            f"edgefacet[onnx]=={__version__}",
        ]
    ]


def test_a_checkout_makes_its_own_wheel_first(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    pip = Pip()
    fetch(BOARD, "litert", tmp_path, run=pip, checkout=tmp_path)
    wheel, download = pip.calls
    assert wheel == ["wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(tmp_path)]
    assert download[-1] == f"edgefacet[litert]=={__version__}"


def test_a_wheel_that_is_there_is_not_made_again(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    pip = Pip()
    fetch(BOARD, "litert", tmp_path, tmp_path / "dist", run=pip, checkout=tmp_path)
    (download,) = pip.calls
    assert f"--find-links={tmp_path / 'dist'}" in download


def test_what_pip_says_last_is_told(tmp_path: Path) -> None:
    with pytest.raises(WheelError, match=r"pip download failed: .* ERROR: no wheel: .*--wheels"):
        fetch(BOARD, "litert", tmp_path, run=Pip(1), checkout=tmp_path)


def test_a_python_that_a_package_has_no_wheel_for_is_told(tmp_path: Path) -> None:
    """pip says it in three lines, of which none names the board."""
    pip = Pip(1, 'ERROR: No matching distribution found for ai-edge-litert>=2.0; extra == "litert"')
    with pytest.raises(WheelError, match=r"of ai-edge-litert for x86_64 with Python 3\.99:"):
        fetch(Board("x86_64", "3.99"), "litert", tmp_path, run=pip, checkout=tmp_path)
    ours = Pip(1, "ERROR: No matching distribution found for edgefacet[litert]==0.1.0")
    with pytest.raises(WheelError, match="put the wheels into a folder"):  # no Python would help
        fetch(BOARD, "litert", tmp_path, run=ours, checkout=tmp_path)


def test_the_pip_of_this_interpreter_runs() -> None:
    done = run_pip(["--version"])
    assert done.returncode == 0
    assert done.stdout.startswith("pip ")


def test_only_wheels_are_taken_along(tmp_path: Path) -> None:
    for name in ("b.whl", "a.whl", "a.tar.gz"):
        (tmp_path / name).touch()
    assert [path.name for path in wheels_in(tmp_path)] == ["a.whl", "b.whl"]
    with pytest.raises(WheelError, match="no wheel lies in"):
        wheels_in(tmp_path.parent)


def test_the_command_for_the_board() -> None:
    assert install_command("litert", "stick/wheels") == (
        "python3 -m pip install --no-compile --no-index --find-links stick/wheels "
        "'edgefacet[litert]'"
    )
