"""`facet arch show`."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge.cli import main
from edge.spec import Architecture, BlockSpec, Row

CELL = "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
NETWORK = Architecture(
    "mbconv",
    (1, 28, 28),
    10,
    (
        Row("stem", BlockSpec("conv_k3", 1, 4, 28, 28, stride=2)),
        Row("stage1.1", BlockSpec("sep_k3", 4, 4, 14, 14), searched=True),
        Row("head", BlockSpec("head_16", 4, 10, 14, 14)),
    ),
)


def show(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["arch", "show", *map(str, arguments)])


@pytest.fixture
def network(tmp_path: Path) -> Path:
    path = tmp_path / "network.json"
    path.write_text(json.dumps(NETWORK.to_dict()))
    return path


@pytest.fixture
def members(tmp_path: Path) -> Path:
    path = tmp_path / "family.json"
    rows = [{"name": name, "architecture": NETWORK.to_dict()} for name in ("small", "large")]
    path.write_text(json.dumps({"members": [*rows, {"name": "other"}]}))
    return path


def words(drawing: str) -> list[str]:
    texts = ET.fromstring(drawing).iter("{http://www.w3.org/2000/svg}text")
    return [str(text.text) for text in texts]


def test_a_file_is_drawn_to_the_standard_output(network: Path) -> None:
    result = show(network)
    assert result.exit_code == 0
    assert words(result.stdout)[:4] == [f"mbconv · {NETWORK.key}", "image", "1×28×28", "conv_k3"]


def test_a_member_is_drawn_into_a_file(members: Path, tmp_path: Path) -> None:
    out = tmp_path / "large.svg"
    result = show(members, "--member", "large", "--out", out)
    assert result.stdout == f"large · mbconv · {NETWORK.key}: {out}\n"
    assert "sep_k3" in words(out.read_text())


def test_a_cell_is_drawn_without_dead_branches() -> None:
    result = show(CELL)
    assert words(result.stdout) == [
        *(CELL, "node 0", "input", "skip_connect", "0 → 3", "node 3", "output")
    ]


def test_as_json() -> None:
    answer = json.loads(show(CELL, "--json").stdout)
    assert answer["canonical"] == "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"
    assert answer["key"] == "#+(#+#)@avg_pool_3x3+0"
    assert answer["svg"].startswith("<svg ")


def test_as_json_beside_a_file(network: Path, tmp_path: Path) -> None:
    out = tmp_path / "network.svg"
    assert json.loads(show(network, "--json", "--out", out).stdout) == {
        "name": None,
        "space": "mbconv",
        "key": NETWORK.key,
        "svg": str(out),
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.json"], "cannot read nowhere.json as JSON"),
        (["|nor_conv_3x3~0|"], "is no cell of NAS-Bench-201; expected e.g."),
    ],
)
def test_what_cannot_be_drawn_is_said(arguments: list[str], message: str) -> None:
    result = show(*arguments)
    assert result.exit_code == 1
    assert message in " ".join(result.stderr.split())


def test_the_member_has_to_be_named(members: Path) -> None:
    for result in (show(members), show(members, "--member", "x")):
        assert "choose by --member one of: small, large" in " ".join(result.stderr.split())


def test_one_architecture_has_no_members(network: Path) -> None:
    result = show(network, "--member", "x")
    assert "holds no members: leave --member out" in " ".join(result.stderr.split())


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text("[1]")
    result = show(path)
    assert (result.exit_code, result.stderr) == (
        1,
        "error: not an architecture: data: Input should be a valid dictionary or instance\n"
        "  of _ArchitectureData\n",
    )
