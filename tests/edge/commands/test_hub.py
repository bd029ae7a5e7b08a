from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge.cli import main

pytest.importorskip("fastapi", reason="needs the extra hub")
pytest.importorskip("sqlalchemy", reason="needs the extra hub")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def facet(state: Path, *arguments: object) -> Result:
    environment = {"EDGEFACET_HUB_STATE": str(state)}
    return CliRunner().invoke(main, ["hub", *map(str, arguments)], env=environment)


def test_a_token_is_printed_alone_and_the_folder_is_its_owner_s(state: Path) -> None:
    result = facet(state, "add-device", "pi")
    assert result.exit_code == 0
    assert result.stdout.startswith("ef_")
    assert len(result.stdout) == 3 + 43 + 1
    assert "only now" in result.stderr
    assert state.stat().st_mode & 0o777 == 0o700
    assert (state / "hub.db").exists()


def test_a_token_as_json(state: Path) -> None:
    answer = json.loads(facet(state, "add-operator", "lab", "--json").stdout)
    assert (answer["name"], answer["kind"], len(answer["token"])) == ("lab", "operator", 46)


def test_a_name_twice_is_an_error_and_a_rotation_is_not(state: Path) -> None:
    first = facet(state, "add-device", "pi")
    again = facet(state, "add-device", "pi")
    assert again.exit_code == 1
    assert "--rotate" in again.stderr
    rotated = facet(state, "add-device", "pi", "--rotate")
    assert rotated.exit_code == 0
    assert rotated.stdout != first.stdout


def test_revoke(state: Path) -> None:
    facet(state, "add-device", "pi")
    assert facet(state, "revoke", "pi").stdout == "Revoked: pi.\n"
    answer = json.loads(facet(state, "revoke", "pi", "--exclude-records", "--json").stdout)
    assert answer == {"name": "pi", "excluded_records": 0}
    (device,) = json.loads(facet(state, "devices", "--json").stdout)["devices"]
    assert device["state"] == "revoked"
    since = ("--since", "2026-11-03T14:00")
    assert facet(state, "revoke", "pi", "--exclude-records", *since).exit_code == 0
    alone = facet(state, "revoke", "pi", *since)
    assert (alone.exit_code, "give both" in alone.stderr) == (2, True)


def test_revoke_of_nobody_is_an_error_as_json(state: Path) -> None:
    facet(state, "add-device", "pi")
    result = facet(state, "revoke", "x", "--json")
    assert (result.exit_code, json.loads(result.stdout)["kind"]) == (1, "NoSuchName")


@pytest.mark.parametrize(
    "command",
    [["devices"], ["jobs"], ["revoke", "pi"], ["add-device", "pi", "--rotate"]],
    ids=" ".join,
)
def test_a_folder_without_a_hub_is_told_and_left_alone(state: Path, command: list[str]) -> None:
    result = facet(state, *command)
    assert (result.exit_code, "EDGEFACET_HUB_STATE" in result.stderr) == (1, True)
    assert f"no hub in {state}" in " ".join(result.stderr.split())
    assert not state.exists()


def test_a_new_hub_is_told(state: Path) -> None:
    told = f"A new hub was made in {state}\n"
    assert facet(state, "add-operator", "lab").stderr.startswith(told)
    assert told not in facet(state, "add-device", "pi").stderr


def test_empty_lists_say_what_to_do(state: Path) -> None:
    facet(state, "add-operator", "lab")
    assert "add-device NAME" in facet(state, "devices").stdout
    assert facet(state, "jobs").stdout == "No orders yet.\n"
    assert json.loads(facet(state, "jobs", "--json").stdout) == {"jobs": []}


def test_operators_are_listed_too(state: Path) -> None:
    for name in ("pipeline", "lab"):
        facet(state, "add-operator", name)
    facet(state, "revoke", "lab")
    assert facet(state, "devices").stdout.endswith("\n\nOperators: lab (revoked), pipeline\n")
    answer = json.loads(facet(state, "devices", "--json").stdout)
    assert answer["operators"] == [
        {"name": "lab", "revoked": True},
        {"name": "pipeline", "revoked": False},
    ]


def test_lists(state: Path) -> None:
    pytest.importorskip("httpx", reason="needs the extra agent")
    from edge.hub.settings import Settings
    from tests.edge.hub.made_up import Maker, World

    world = World(Settings(state=state))
    pi, lab = world.device(), world.operator()
    pi.beat(temperature_c=71.6, state="measuring", spooled=2)
    lab.put(b"one")
    lab.order(Maker().order(b"one"))
    world.hub.close()
    devices = facet(state, "devices").stdout.splitlines()
    # The made-up hub's clock stands in the past: the device has been silent since.
    assert devices[-1] == "Operators: lab"
    assert devices[-3].split() == [
        *("pi", "away", "2026-03-01T12:00:00+00:00", "72", "1", "0", "2"),
    ]
    jobs = facet(state, "jobs").stdout.splitlines()
    assert jobs[-1].split()[1:] == ["verify", "pi", "open", "0", "1", "0"]
    (job,) = json.loads(facet(state, "jobs", "--json").stdout)["jobs"]
    assert (job["purpose"], job["models"], job["device_state"]) == ("verify", 1, "away")


def test_serve_refuses_the_open(state: Path) -> None:
    result = facet(state, "serve", "--host", "0.0.0.0", "--port", 0)
    assert result.exit_code == 1
    assert "--insecure" in result.stderr


@pytest.mark.parametrize(
    "command", ["serve", "add-device", "add-operator", "revoke", "devices", "jobs"]
)
def test_every_command_has_help(state: Path, command: str) -> None:
    result = facet(state, command, "--help")
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80
    assert not state.exists()
