from __future__ import annotations

import grp
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.agent.unit import NAME, NotInstalled, Unit

SYSTEM = Unit(
    "https://hub.example",
    Path("/etc/edgefacet/token"),
    ca=Path("/etc/edgefacet/ca.pem"),
    inbox=Path("/var/spool/edgefacet"),
    group="edgefacet",
    command=("/opt/edgefacet/bin/facet",),
)
USER = Unit("http://10.0.0.2", Path("/home/me/token"), user=True, command=("/home/me/bin/facet",))


def lines(unit: Unit, key: str) -> list[str]:
    return [
        line.partition("=")[2] for line in unit.text().splitlines() if line.startswith(f"{key}=")
    ]


def test_the_system_runs_it_as_nobody_in_particular() -> None:
    assert lines(SYSTEM, "ExecStart") == [
        "/opt/edgefacet/bin/facet agent run --hub https://hub.example "
        "--token-file ${CREDENTIALS_DIRECTORY}/token --state %S/edgefacet "
        "--ca ${CREDENTIALS_DIRECTORY}/ca --inbox /var/spool/edgefacet"
    ]
    assert lines(SYSTEM, "DynamicUser") == ["yes"]
    assert lines(SYSTEM, "LoadCredential") == [
        "token:/etc/edgefacet/token",
        "ca:/etc/edgefacet/ca.pem",
    ]
    assert lines(SYSTEM, "ReadWritePaths") == ["/var/spool/edgefacet"]
    assert lines(SYSTEM, "SupplementaryGroups") == ["edgefacet"]
    assert lines(SYSTEM, "MemoryMax") == ["75%"]
    assert lines(SYSTEM, "Restart") == ["on-failure"]
    assert lines(SYSTEM, "RestartPreventExitStatus") == ["2 75"]


def test_a_user_runs_it_as_oneself() -> None:
    assert lines(USER, "ExecStart") == [
        "/home/me/bin/facet agent run --hub http://10.0.0.2 --token-file /home/me/token "
        "--state %h/.local/state/edgefacet"
    ]
    assert lines(USER, "DynamicUser") == []
    assert lines(USER, "WantedBy") == ["default.target"]


@pytest.mark.parametrize("unit", [SYSTEM, USER], ids=["system", "user"])
def test_systemd_takes_it(tmp_path: Path, unit: Unit) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    path = tmp_path / NAME
    command = tmp_path / "facet"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    path.write_text(unit.text().replace(unit.command[0], str(command)))
    manager = ["--user"] if unit.user else []
    run = subprocess.run(
        ["systemd-analyze", *manager, "verify", path], capture_output=True, text=True
    )
    complaints = [line for line in run.stderr.splitlines() if NAME in line]
    assert complaints == []


def test_it_is_written_where_systemd_looks(tmp_path: Path) -> None:
    here = replace(SYSTEM, inbox=tmp_path, group=grp.getgrgid(os.getgid()).gr_name)
    assert here.install(system_folder=tmp_path) == tmp_path / NAME
    assert (tmp_path / NAME).read_text() == here.text()
    assert USER.install(home=tmp_path) == tmp_path / ".config/systemd/user" / NAME


def test_what_comes_next_is_to_be_copied() -> None:
    assert SYSTEM.next_commands()[-1] == f"sudo systemctl enable --now {NAME}"
    assert USER.next_commands()[1] == f"systemctl --user enable --now {NAME}"


def test_where_it_may_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotInstalled, match="use sudo, or --user"):
        replace(SYSTEM, inbox=None, group=None).install(system_folder=tmp_path / "file")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"group": "nobody-has-this"}, "sudo groupadd --system nobody-has-this"),
        ({"group": "0", "inbox": Path("/none")}, "sudo install -d -m 2770 -g 0 /none"),
        ({"group": None, "inbox": Path("/none"), "user": True}, "/none is no folder: mkdir /none"),
    ],
)
def test_what_is_not_here_keeps_no_service_from_starting(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(NotInstalled, match=message):
        replace(SYSTEM, **changes).install(home=tmp_path, system_folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["/a b/token", "/a%h/token", "/a$HOME/token", "/a\nExecStart=x"])
def test_what_systemd_would_read_otherwise_is_refused(path: str) -> None:
    with pytest.raises(NotInstalled, match="cannot stand in a unit"):
        Unit("https://hub.example", Path(path)).text()
