"""What a board is told of a hub that it cannot reach, against real sockets."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest

from edge.agent.address import HubAddress
from edge.agent.client import HubAway, HubClient

Answer = Callable[[socket.socket], None]


@contextmanager
def listening(answer: Answer) -> Iterator[int]:
    """A port on which every caller gets `answer`."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    with suppress(ssl.SSLError), server.accept()[0] as connection:
                        answer(connection)

        Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of `other.local`, signed by itself, with the key in the same file."""
    folder = tmp_path_factory.mktemp("tls")
    openssl = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-nodes", "-days", "2", "-subj", "/CN=other", "-addext"),
        *("subjectAltName=DNS:other.local", "-keyout", "key.pem", "-out", "cert.pem"),
    ]
    try:
        subprocess.run(openssl, cwd=folder, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl on the path")
    return folder / "cert.pem"


def over_tls(certificate: Path) -> Answer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return lambda connection: context.wrap_socket(connection, server_side=True).close()


def in_the_clear(connection: socket.socket) -> None:
    connection.recv(1)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def told(url: str, ca: Path | None = None) -> str:
    with HubClient(HubAddress(url, ca), "token") as hub, pytest.raises(HubAway) as caught:
        hub.orders()
    return str(caught.value)


def test_a_hub_that_another_authority_vouches_for(certificate: Path) -> None:
    with listening(over_tls(certificate)) as port:
        said = told(f"https://127.0.0.1:{port}")
    assert said.startswith(f"the hub at https://127.0.0.1:{port} is not trusted: self")
    assert said.endswith("give the certificate of the authority that signed it, with --ca FILE")


def test_a_hub_of_another_name(certificate: Path) -> None:
    with listening(over_tls(certificate)) as port:
        said = told(f"https://127.0.0.1:{port}", certificate)
    assert "is not trusted: IP address mismatch, " in said
    assert said.endswith("'127.0.0.1': call it by a name that is in its certificate")


def test_a_hub_without_tls_and_one_with_it(certificate: Path) -> None:
    with listening(in_the_clear) as port:
        said = told(f"https://127.0.0.1:{port}")
    assert (
        said == f"what answers at https://127.0.0.1:{port} speaks no TLS: is its address http://?"
    )
    with listening(over_tls(certificate)) as port:
        said = told(f"http://127.0.0.1:{port}")
    assert said.startswith(f"the hub at http://127.0.0.1:{port} is away: ")
    assert said.endswith(" (is its address https://?)")


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    said = told(f"http://127.0.0.1:{port}")
    assert said.startswith(f"the hub at http://127.0.0.1:{port} is away: ")
    assert said.endswith("Connection refused")
