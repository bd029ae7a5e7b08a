from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

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
    assert SYSTEM.install(system_folder=tmp_path) == tmp_path / NAME
    assert (tmp_path / NAME).read_text() == SYSTEM.text()
    assert USER.install(home=tmp_path) == tmp_path / ".config/systemd/user" / NAME


def test_what_comes_next_is_to_be_copied() -> None:
    assert SYSTEM.next_commands()[-1] == f"sudo systemctl enable --now {NAME}"
    assert USER.next_commands()[1] == f"systemctl --user enable --now {NAME}"


def test_where_it_may_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotInstalled, match="use sudo, or --user"):
        SYSTEM.install(system_folder=tmp_path / "file")


@pytest.mark.parametrize("path", ["/a b/token", "/a%h/token", "/a$HOME/token", "/a\nExecStart=x"])
def test_what_systemd_would_read_otherwise_is_refused(path: str) -> None:
    with pytest.raises(NotInstalled, match="cannot stand in a unit"):
        Unit("https://hub.example", Path(path)).text()
