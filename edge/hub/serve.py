"""The hub as a process: TLS or a private address, and a clean end."""

from __future__ import annotations

import ipaddress
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import uvicorn

from edge.errors import EdgeError
from edge.hub.app import create_app
from edge.hub.health import read_calibration
from edge.hub.hub import open_hub
from edge.hub.settings import Settings
from edge.hub.store import StoreError

_GRACE_S = 5  # for answers that are on their way when the hub is told to end


class NotSecure(EdgeError, ValueError):
    """An address at which tokens would travel in the open."""


class CannotListen(EdgeError, OSError):
    """An address that is in use, or not of this machine; or a certificate that cannot be read."""


@dataclass(frozen=True)
class Listening:
    """Where to listen: an address and a port, 0 for a free one; PEM files for TLS."""

    host: str = "127.0.0.1"
    port: int = 8321
    cert: Path | None = None
    key: Path | None = None
    insecure: bool = False

    @property
    def scheme(self) -> str:
        return "https" if self.cert else "http"


def serve(settings: Settings, where: Listening, ready: Callable[[str], object]) -> None:
    """Answer until SIGINT or SIGTERM. `ready` gets the URL when calls can come in.

    Raises NotSecure, CannotListen, NoCalibration, StoreError.
    """
    _refuse_the_open(where)
    for path in settings.calibrations:
        read_calibration(path)
    hub = open_hub(settings)
    try:
        if problems := hub.store.problems():
            raise StoreError(
                f"the database {settings.database_url} is damaged ({problems[0]}): put a backup "
                "in its place"
            )
        config = uvicorn.Config(
            create_app(hub),
            ssl_certfile=where.cert,
            ssl_keyfile=where.key,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
        )
        _load(config)
        listening = _bind(where)
        hub.models.clean()
        _end_in_order()
        ready(_url(where, listening))
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        hub.close()


def is_private(host: str) -> bool:
    """Whether all addresses of `host` are loopback or private: no stranger is on the way.
    Raises CannotListen where it has none."""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError as error:
        raise CannotListen(f"{host} is no address: {error}") from error
    addresses = [ipaddress.ip_address(str(address).partition("%")[0]) for address in found]
    return all(a.is_private and not a.is_unspecified for a in addresses)


def _refuse_the_open(where: Listening) -> None:
    if bool(where.cert) != bool(where.key):
        raise NotSecure("TLS needs both --cert and --key")
    if not where.cert and not where.insecure and not is_private(where.host):
        raise NotSecure(
            f"at {where.host} tokens would travel in the open: give --cert and --key, or listen "
            "at a private address, or say --insecure where something in front does TLS"
        )


def _end_in_order() -> None:
    """uvicorn obeys a signal, and raises it again when it has ended: the database is still to be
    closed then."""

    def end(*_: object) -> NoReturn:
        raise SystemExit(0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def _load(config: uvicorn.Config) -> None:
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one
        raise CannotListen(f"--cert and --key cannot be used: {error}") from error


def _bind(where: Listening) -> socket.socket:
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A hub that was killed leaves connections behind, which must not keep it from starting.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((where.host, where.port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        reason = error.strerror or error
        raise CannotListen(f"cannot listen at {where.host}:{where.port}: {reason}") from error
    return listening


def _url(where: Listening, listening: socket.socket) -> str:
    host = f"[{where.host}]" if ":" in where.host else where.host
    return f"{where.scheme}://{host}:{listening.getsockname()[1]}"
