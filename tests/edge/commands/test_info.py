import json
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge.cli import main
from tests.edge.sysroots import ORIN


def facet(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_info_says_what_to_type_for_another_machine() -> None:
    lines = facet("info", "--sysroot", ORIN).output.splitlines()
    assert lines[lines.index("To measure well:") + 1 :][:2] == [
        "- The clocks follow the load: lock them.",
        "    sudo jetson_clocks",
    ]
    first = json.loads(facet("info", "--sysroot", ORIN, "--json").output)["advice"][0]
    assert first["command"] == "sudo jetson_clocks"


def test_info_says_what_it_sees() -> None:
    text = facet("info")
    assert text.exit_code == 0
    assert text.output.startswith("Device ")
    seen = json.loads(facet("info", "--json").output)
    assert seen["device"]
    assert {name: of["files"] for name, of in seen["runtimes"].items()} == {
        "litert": ".tflite",
        "onnxruntime": ".onnx",
    }
    assert isinstance(seen["advice"], list)


def test_info_says_how_to_install_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", nothing)
    text = facet("info").output
    assert "litert       .tflite  not installed" in text
    assert "- onnxruntime is not installed: pip install 'edgefacet[onnx]'" in text
    assert max(map(len, text.splitlines())) <= 80
    litert = json.loads(facet("info", "--json").output)["runtimes"]["litert"]
    assert litert["version"] is None
    assert "pip install 'edgefacet[litert]'" in litert["problem"]


def test_every_key_of_the_json_is_documented() -> None:
    text = (Path(__file__).parents[3] / "docs/cli.md").read_text()
    seen = json.loads(facet("info", "--json").output)
    keys = [*seen, *seen["runtimes"]["litert"]]
    assert [key for key in keys if f"`{key}`" not in text] == []
