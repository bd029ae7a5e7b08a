from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge.agent.items import Item
from edge.agent.spool import Spool
from edge.agent.state import State
from edge.cli import main
from edge.orders import FailedModel
from tests.edge.agent.boards import record

HUB = ("--hub", "http://127.0.0.1:9")  # discard: nobody answers there


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("abc\n")
    return path


def agent(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["agent", *map(str, arguments)])


@pytest.mark.parametrize("command", ["run", "status", "install"])
def test_every_command_has_help(command: str) -> None:
    result = agent(command, "-h")
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80


def test_once_without_a_hub_leaves_something_for_the_next_time(tmp_path: Path, token: Path) -> None:
    result = agent("run", *HUB, "--token-file", token, "--state", tmp_path / "state", "--once")
    assert result.exit_code == 4
    status = json.loads(agent("status", "--state", tmp_path / "state", "--json").stdout)
    assert "is away" in status["problem"]
    assert status["hub"] == "http://127.0.0.1:9"
    assert status["running"] is None


def test_a_second_agent_exits_75(tmp_path: Path, token: Path) -> None:
    with State(tmp_path / "state"):
        result = agent("run", *HUB, "--token-file", token, "--state", tmp_path / "state")
    assert result.exit_code == 75
    assert f"in use by process {os.getpid()}" in " ".join(result.stderr.split())


def test_a_hub_in_the_clear_is_refused(tmp_path: Path, token: Path) -> None:
    where = ("--token-file", token, "--state", tmp_path / "state")
    result = agent("run", "--hub", "http://hub.example", *where)
    assert result.exit_code == 1
    assert "in the clear" in " ".join(result.stderr.split())


def test_no_token_no_agent(tmp_path: Path) -> None:
    where = ("--token-file", tmp_path / "none", "--state", tmp_path / "state")
    result = agent("run", *HUB, *where)
    assert result.exit_code == 1
    assert "no token" in " ".join(result.stderr.split())


def test_status_of_nothing(tmp_path: Path) -> None:
    result = agent("status", "--state", tmp_path / "none")
    assert result.exit_code == 1
    assert "name its folder with --state" in result.stdout


def test_status_tells_what_waits_and_what_was_refused(tmp_path: Path) -> None:
    (tmp_path / "starts.json").write_text(
        json.dumps({"blocked": {"c" * 64: "it killed 3 starts of the agent"}, "run": None})
    )
    with State(tmp_path) as state, Spool(state.spool) as spool:
        spool.add([Item.of_record(record(), "a" * 64)])
        failure = Item.of_failure(FailedModel(sha256="b" * 64, kind="gone", detail="x"), "a" * 64)
        spool.add([failure])
        spool.refuse(failure, "HTTP 422: no")
        text = agent("status", "--state", tmp_path).stdout
        status = json.loads(agent("status", "--state", tmp_path, "--json").stdout)
    assert f"idle, process {os.getpid()}" in text
    assert "1 results, 0.0 MB" in text
    assert f"- {failure.id[:12]} (order aaaaaaaaaaaa): HTTP 422: no" in text
    assert "- cccccccccccc: it killed 3 starts of the agent" in text
    assert (status["spool"]["waiting"], status["spool"]["dead"]) == (1, 1)
    assert status["dead_letters"][0]["reason"] == "HTTP 422: no"


def test_status_tells_the_footprint(tmp_path: Path) -> None:
    with State(tmp_path):
        result = agent("status", "--state", tmp_path, "--footprint", "--json")
    found = json.loads(result.stdout)["footprint"]
    assert found["resident_bytes"] > found["python_bytes"] > 1 << 20
    assert found["disk_bytes"] == sum(found["packages"].values())
    assert " MB resident" in agent("status", "--state", tmp_path, "--footprint").stdout.replace(
        "- MB", "0 MB"
    )


def test_install_shows_the_unit_and_writes_nothing(tmp_path: Path) -> None:
    result = agent("install", *HUB, "--token-file", tmp_path / "token", "--print")
    assert result.exit_code == 0
    assert result.stdout.startswith("[Unit]\n")
    assert "--hub http://127.0.0.1:9" in result.stdout


def test_install_for_oneself(tmp_path: Path, token: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    result = agent("install", *HUB, "--token-file", token, "--user")
    assert result.exit_code == 0
    assert (tmp_path / ".config/systemd/user/edgefacet-agent.service").exists()
    assert "    systemctl --user enable --now edgefacet-agent.service\n" in result.stdout


def test_install_refuses_what_would_fail_at_each_start(
    tmp_path: Path, token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    mine = ("install", *HUB, "--token-file", token, "--user")
    no_ca = agent(*mine, "--ca", tmp_path / "none.pem")
    assert no_ca.exit_code == 1
    assert "holds no certificate authority" in no_ca.stderr
    with_group = agent(*mine, "--group", "users")
    assert with_group.exit_code == 2
    assert "leave --group out" in with_group.stderr
    assert not (tmp_path / ".config").exists()
