"""`facet hub order`, through the application of a real hub."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

pytest.importorskip("fastapi", reason="needs the extra hub")
pytest.importorskip("httpx", reason="needs the extra agent")

from edge import record
from edge.cli import main
from edge.family import Family
from edge.hub.settings import Settings
from edge.hub_access import HubAccess
from edge.hub_api import Report
from edge.ordering import of_family, of_files
from edge.orders import FailedModel, Order
from tests.edge import families
from tests.edge.bundles import models_in
from tests.edge.hub.made_up import Maker, Party, World
from tests.edge.test_hub_client import client

MODELS = {"one.onnx": b"first", "two.onnx": b"second"}
PAGE = Path(__file__).parents[3] / "docs/cli.md"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = World(Settings(state=tmp_path / "hub", synchronous="NORMAL"))
    token = world.operator().token
    monkeypatch.setattr(HubAccess, "open", lambda _: client(world, token))
    yield world
    world.hub.close()


@pytest.fixture
def pi(world: World) -> Party:
    board = world.device()
    board.beat()
    return board


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return list(models_in(tmp_path / "models", MODELS).values())


def facet(*arguments: object) -> Result:
    hub = {"EDGEFACET_HUB": "http://localhost:1", "EDGEFACET_HUB_TOKEN_FILE": "token"}
    return CliRunner().invoke(main, ["hub", "order", *map(str, arguments)], env=hub)


def order_of(files: list[Path]) -> Order:
    return of_files(files, precision="fp32").order


def test_models_go_to_the_hub_and_the_board_finds_its_order(pi: Party, files: list[Path]) -> None:
    typed = ["--device", "pi", *files, "--precision", "fp32"]
    first = facet(*typed)
    assert first.exit_code == 0, first.output
    assert "State   open, 0 of 2 measured\n" in first.stdout
    assert first.stdout.endswith("type the same line again.\n")
    (ordered,) = pi.call("GET", "/v1/orders").json()["orders"]
    assert Order.model_validate(ordered) == order_of(files)
    assert pi.call("GET", f"/v1/models/{ordered['models'][0]['subject']['sha256']}").content in (
        MODELS.values()
    )
    again = facet(*typed)
    assert again.stdout == first.stdout
    assert again.stderr == ""  # nothing is brought twice


def test_what_came_back_is_shown_and_kept_once(
    pi: Party, files: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "records.jsonl"
    typed = ["--device", "pi", *files, "--precision", "fp32", "--out", out]
    assert facet(*typed).exit_code == 0
    assert not out.exists()
    order = order_of(files)
    records = Maker().report(order).records
    pi.report(Report(order=order.id, records=records[:1])).raise_for_status()
    part = facet(*typed)
    assert "State   open, 1 of 2 measured\n" in part.stdout
    assert " 2.000 " in part.stdout
    failure = FailedModel(sha256=order.models[1].subject.sha256, kind="gone", detail="it went")
    pi.report(Report(order=order.id, failures=(failure,))).raise_for_status()
    done = facet(*typed)
    assert done.exit_code == 4
    assert "State   done, 1 of 2 measured, 1 failed\n" in done.stdout
    assert "- two.onnx: rejected: it went\n" in done.stdout
    assert record.read(out) == [records[0]]
    assert done.stdout.endswith("add --again, once.\n")
    answer = json.loads(facet(*typed, "--json").stdout)
    assert (answer["order"], answer["state"], answer["models"]) == (order.id, "done", 2)
    assert [of["name"] for of in answer["measured"]] == ["one.onnx"]
    assert [key for key in answer if f"`{key}`" not in PAGE.read_text()] == []


def test_what_failed_is_tried_again_when_that_is_said(pi: Party, files: list[Path]) -> None:
    typed = ["--device", "pi", *files, "--precision", "fp32"]
    assert facet(*typed, "--again").exit_code == 0  # nothing was ordered before
    order = order_of(files)
    records = Maker().report(order).records
    sha256 = order.models[1].subject.sha256
    failure = FailedModel(sha256=sha256, kind="rejected", detail="onnxruntime is not installed")
    pi.report(Report(order=order.id, records=records[:1], failures=(failure,))).raise_for_status()
    assert facet(*typed).exit_code == 4
    again = facet(*typed, "--again")
    assert (again.exit_code, "State   open, 1 of 2 measured\n" in again.stdout) == (0, True)
    pi.report(Report(order=order.id, records=records[1:])).raise_for_status()
    assert "State   done, 2 of 2 measured\n" in facet(*typed).stdout
    assert "State   done, 2 of 2 measured\n" in facet(*typed, "--again").stdout


def test_a_family_is_ordered_as_a_bundle_of_it_is_made(pi: Party, tmp_path: Path) -> None:
    families.family(tmp_path, ("onnx", "fp32"), ("tflite", "int8"))
    refused = facet("--device", "pi", "--family", tmp_path)
    assert refused.exit_code == 1
    line = f"facet hub order --device pi --family {tmp_path} --runtime litert --precision int8"
    assert refused.stderr.endswith(f"{line}\n")
    answer = json.loads(facet(*line.split()[3:], "--json").stdout)
    expected = of_family(Family.load(tmp_path), "litert", "int8").order
    assert (answer["order"], answer["models"]) == (expected.id, 2)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--device", "nobody"], 1, "add-device nobody"),
        ([], 2, "Missing option '--device'"),
        (["--device", "pi", "--family", "x"], 2, "Name either model files"),
    ],
)
def test_what_cannot_be_ordered_is_told(
    pi: Party, files: list[Path], arguments: list[Any], code: int, told: str
) -> None:
    refused = facet(*files, *arguments)
    assert refused.exit_code == code
    assert told in " ".join(refused.stderr.split())
