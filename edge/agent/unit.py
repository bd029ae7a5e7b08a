"""The systemd unit that keeps the agent running, allowed as little as it needs."""

from __future__ import annotations

import grp
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.errors import EdgeError
from edge.files import write_atomic

NAME = "edgefacet-agent.service"
SYSTEM_FOLDER = Path("/etc/systemd/system")
USER_FOLDER = Path(".config/systemd/user")  # below the user's home

# The worker confines itself further: it leaves the network behind, which takes namespaces.
_HARDENING = """\
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictNamespaces=user net
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
SystemCallArchitectures=native
SystemCallFilter=@system-service adjtimex
SystemCallErrorNumber=EPERM
"""
_SYSTEM_HARDENING = """\
CapabilityBoundingSet=
PrivateDevices=yes
ProtectControlGroups=yes
ProtectHome=read-only
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=strict
UMask=0077
"""


class NotInstalled(EdgeError, OSError):
    """The unit cannot be written, or would not do what it says."""


@dataclass(frozen=True)
class Unit:
    """How the agent is started: by the system, as a user made for it, or by `user`'s own manager.

    `group` is what applications share with it so that both can use the folder `inbox`.
    """

    hub: str
    token_file: Path
    ca: Path | None = None
    inbox: Path | None = None
    group: str | None = None
    insecure: bool = False
    user: bool = False
    command: Sequence[str] = (str(Path(sys.executable).with_name("facet")),)

    def text(self) -> str:
        """The file, whole. Raises NotInstalled for a value that systemd would read otherwise."""
        wanted_by = "default.target" if self.user else "multi-user.target"
        return f"""\
[Unit]
Description=EdgeFacet agent: measures models on this board for a hub
Wants=network-online.target
After=network-online.target time-sync.target

[Service]
ExecStart={" ".join(self._words())}
{self._place()}
Restart=on-failure
RestartSec=10
# 2: wrong usage; 75: another agent uses the same state. Neither goes away by itself.
RestartPreventExitStatus=2 75
KillMode=mixed
TimeoutStopSec=120

MemoryMax=75%
# The model that takes too much dies, and the agent reports it.
OOMPolicy=continue
Nice=5

{_HARDENING}{"" if self.user else _SYSTEM_HARDENING}
[Install]
WantedBy={wanted_by}
"""

    def install(self, home: Path | None = None, system_folder: Path = SYSTEM_FOLDER) -> Path:
        """Write the unit where systemd looks for it. Raises NotInstalled, before anything is
        written where the folder or the group that it names is not here."""
        self._require_places()
        path = (home or Path.home()) / USER_FOLDER / NAME if self.user else system_folder / NAME
        try:
            write_atomic(path, self.text())
        except OSError as error:
            raise NotInstalled(
                f"cannot write {path}: {error.strerror}: use sudo, or --user for a service of "
                "your own"
            ) from error
        return path

    def next_commands(self) -> list[str]:
        """What is to be typed after `install`."""
        systemctl = "systemctl --user" if self.user else "sudo systemctl"
        linger = ["sudo loginctl enable-linger $USER"] if self.user else []  # without a login
        return [
            f"{systemctl} daemon-reload",
            f"{systemctl} enable --now {NAME}",
            *linger,
        ]

    def _require_places(self) -> None:
        """systemd starts no service that names what is not there."""
        if self.group is not None and not _is_group(self.group):
            raise NotInstalled(
                f"there is no group {self.group!r} here: sudo groupadd --system {self.group}"
            )
        if self.inbox is not None and not self.inbox.is_dir():
            group = f" -g {self.group}" if self.group else ""
            make = "mkdir" if self.user else f"sudo install -d -m 2770{group}"
            raise NotInstalled(f"{self.inbox} is no folder: {make} {self.inbox}")

    def _words(self) -> list[str]:
        words = [*map(_plain, self.command), "agent", "run", "--hub", _plain(self.hub)]
        words += ["--token-file", self._secret("token", self.token_file)]
        words += ["--state", "%h/.local/state/edgefacet" if self.user else "%S/edgefacet"]
        if self.ca is not None:
            words += ["--ca", self._secret("ca", self.ca)]
        if self.inbox is not None:
            words += ["--inbox", _plain(self.inbox.absolute())]
        return [*words, "--insecure"] if self.insecure else words

    def _secret(self, name: str, path: Path) -> str:
        """The system hands a file over that the agent's own user could not read."""
        return _plain(path.absolute()) if self.user else f"${{CREDENTIALS_DIRECTORY}}/{name}"

    def _place(self) -> str:
        if self.user:
            return "UMask=0077"
        lines = ["DynamicUser=yes", "StateDirectory=edgefacet", "StateDirectoryMode=0700"]
        lines += [f"LoadCredential=token:{_plain(self.token_file.absolute())}"]
        lines += [f"LoadCredential=ca:{_plain(self.ca.absolute())}"] if self.ca else []
        lines += [f"ReadWritePaths={_plain(self.inbox.absolute())}"] if self.inbox else []
        lines += [f"SupplementaryGroups={_plain(self.group)}"] if self.group else []
        return "\n".join(lines)


def _is_group(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return name.isdecimal()  # systemd takes numbers, too
    return True


def _plain(word: object) -> str:
    """A word that systemd reads as it stands."""
    text = str(word)
    if not re.fullmatch(r"[\w@:,.+=/\[\]~-]+", text):
        raise NotInstalled(
            f"{text!r} cannot stand in a unit: use names of letters, digits and @:,.+=/[]~_- only"
        )
    return text
