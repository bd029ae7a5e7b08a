from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge import wheels
from edge.bundle import read
from edge.cli import main
from edge.wheels import Board
from tests.edge.bundles import bundle, models_in, order, sha256, unpacked
from tests.edge.families import family

MODELS = {"one.onnx": b"first", "two.onnx": b"second"}
PAGE = Path(__file__).parents[3] / "docs/cli.md"


def facet(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["bundle", *map(str, arguments)])


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return list(models_in(tmp_path, MODELS).values())


def test_files_become_a_bundle(files: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "stick.zip"
    options = ["--precision", "int8", "--threads", 4, "--blocks", 5, "--min-time", 0.5]
    result = facet("create", *files, *options, "--out", out)
    assert result.exit_code == 0, result.output
    found = read(out).order
    assert (found.precision, found.threads, found.how.blocks, found.how.block_s) == (
        *("int8", 4, 5, 0.5),
    )
    lines = result.stdout.splitlines()
    assert ["one.onnx", "file", "-", "0"] in [line.split() for line in lines]
    assert lines[-1] == "    facet measure stick.zip"
    assert max(map(len, lines)) <= 80 + len(str(tmp_path))


def test_a_family_with_a_choice_shows_a_line_to_copy(tmp_path: Path) -> None:
    family(tmp_path, ("onnx", "fp32"), ("tflite", "int8"))
    out = tmp_path / "stick.zip"
    result = facet("create", "--family", tmp_path, "--out", out)
    assert result.exit_code == 1
    line = f"facet bundle create --family {tmp_path} --out {out} --runtime litert --precision int8"
    assert result.stderr.endswith(f"{line}\n")
    again = CliRunner().invoke(main, line.split()[1:])
    assert again.exit_code == 0
    assert [model.subject.name for model in read(out).order.models] == ["small", "large"]


def test_an_order_of_a_stage_becomes_a_bundle(files: list[Path], tmp_path: Path) -> None:
    (tmp_path / "order.json").write_text(order(MODELS).to_json())
    result = facet("create", "--order", tmp_path / "order.json", "--out", tmp_path / "a.tar")
    assert result.exit_code == 0
    assert read(tmp_path / "a.tar").order == order(MODELS)


def test_packages_are_added_to_the_bundle_of_a_stage(files: list[Path], tmp_path: Path) -> None:
    made = bundle(tmp_path / "ordered.zip", MODELS).path
    package = tmp_path / "packages/numpy-2-py3-none-any.whl"
    package.parent.mkdir()
    package.write_text("numpy")
    out = tmp_path / "stick.zip"
    result = facet("create", "--order", made, "--wheels", package.parent, "--out", out)
    assert result.exit_code == 0, result.output
    found = read(out)
    found.verify()
    assert found.order == read(made).order
    assert [wheel.name for wheel in found.manifest.wheels] == [package.name]
    result = facet("create", *files, "--order", made, "--out", tmp_path / "again.zip")
    assert (result.exit_code, (tmp_path / "again.zip").exists()) == (2, False)


def test_the_same_moment_gives_the_same_bytes(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    one, two = tmp_path / "1.zip", tmp_path / "2.zip"
    for out in (one, two):
        facet("create", *files, "--out", out)
    assert one.read_bytes() == two.read_bytes()
    assert read(one).manifest.created == "2026-01-01T00:00:00+00:00"


def test_wheels_go_along_and_the_board_is_told_what_to_type(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(board: Board, runtime: str, folder: Path, ours: Path | None) -> Sequence[Path]:
        assert (board, runtime, ours) == (Board("aarch64", "3.11"), "onnxruntime", tmp_path)
        (folder / "numpy-2-py3-none-any.whl").write_text("numpy")
        return [folder / "numpy-2-py3-none-any.whl"]

    monkeypatch.setattr(wheels, "fetch", fetch)
    (tmp_path / "edgefacet-1-py3-none-any.whl").write_text("ours")
    out = tmp_path / "my stick.zip"
    along = ["--wheels", tmp_path, "--fetch-wheels", "aarch64:3.11"]
    result = facet("create", *files, *along, "--out", out)
    assert [wheel.name for wheel in read(out).manifest.wheels] == [
        *("edgefacet-1-py3-none-any.whl", "numpy-2-py3-none-any.whl"),
    ]
    assert result.stdout.splitlines()[-4:] == [
        "On the board:",
        "    python3 -m zipfile -e 'my stick.zip' 'my stick'",
        "    python3 -m pip install --no-compile --no-index --find-links 'my stick'/wheels "
        "'edgefacet[onnx]'",
        "    facet measure 'my stick'",
    ]


def test_show_names_what_is_in_it_and_reads_it_all(tmp_path: Path) -> None:
    made = bundle(tmp_path / "stick.zip", MODELS)
    told = json.loads(facet("show", made.path, "--json").stdout)
    assert (told["order"], told["runtime"], told["threads"]) == (made.order.id, "onnxruntime", 1)
    assert [(of["name"], of["kind"], of["size_bytes"]) for of in told["models"]] == [
        *(("one.onnx", "chain", 5), ("two.onnx", "network", 6)),
    ]
    page = PAGE.read_text()
    assert [key for key in {**told, **told["how"]} if f"`{key}`" not in page] == []
    folder = unpacked(made.path, tmp_path / "folder")
    assert facet("show", folder).exit_code == 0
    (folder / f"models/{sha256(b'first')}.onnx").write_bytes(b"First")
    result = facet("show", folder)
    assert result.exit_code == 1
    assert "damaged or was altered" in " ".join(result.stderr.split())


def test_a_bundle_that_cannot_be_written_says_why(files: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = facet("create", *files, "--out", tmp_path / "file" / "stick.zip")
    assert result.exit_code == 1
    assert "cannot make the bundle" in " ".join(result.stderr.split())
    assert "file" in result.stderr
    result = facet("create", tmp_path / "nowhere.onnx", "--out", tmp_path / "stick.zip")
    assert result.exit_code == 1
    assert "nowhere.onnx" in result.stderr


def test_a_family_that_is_not_there_is_named(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    result = facet("create", "--family", nowhere, "--out", tmp_path / "stick.zip")
    assert result.exit_code == 1
    said = " ".join(result.stderr.split())
    assert said.startswith(f"error: no family at {nowhere}/family.json: make one with")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["one.onnx", "--family", "."],
        ["--order", "order.json", "--threads", 2],
        ["--order", "order.json", "--family", "."],
        ["one.onnx", "--blocks", 2],
        ["one.onnx", "--min-time", 61],
        ["one.onnx", "--threads", 257],
    ],
)
def test_wrong_usage_exits_2(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[object]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "order.json").write_text(order(MODELS).to_json())
    assert facet("create", *arguments, "--out", "stick.zip").exit_code == 2
    assert not (tmp_path / "stick.zip").exists()


@pytest.mark.parametrize("command", ["create", "show"])
def test_every_command_has_help(command: str) -> None:
    result = facet(command, "-h")
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80
