import socket
from pathlib import Path

import pytest

from edge.errors import EdgeError
from edge.hub.health import NoCalibration
from edge.hub.serve import CannotListen, Listening, NotSecure, is_private, serve
from edge.hub.settings import Settings
from edge.hub.store import StoreError


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("::1", True),
        ("192.168.1.5", True),
        ("10.0.0.1", True),
        ("172.16.0.1", True),
        ("fe80::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("8.8.8.8", False),
        ("172.32.0.1", False),
        ("2001:4860:4860::8888", False),
    ],
)
def test_private_addresses(host, private):
    assert is_private(host) is private


def refused(tmp_path, **where):
    def ready(url):
        raise AssertionError(url)

    settings = where.pop("settings", Settings(state=tmp_path))
    with pytest.raises(EdgeError) as caught:
        serve(settings, Listening(**where), ready)
    return caught.value


@pytest.mark.parametrize("host", ["0.0.0.0", "8.8.8.8", "::"])
def test_no_plain_http_in_the_open(tmp_path, host):
    error = refused(tmp_path, host=host, port=0)
    assert isinstance(error, NotSecure)
    assert "--cert and --key" in str(error)


def test_a_certificate_needs_its_key(tmp_path):
    assert isinstance(refused(tmp_path, cert=Path("c.pem")), NotSecure)


def test_a_certificate_that_is_none(tmp_path):
    path = tmp_path / "x.pem"
    path.write_text("x")
    assert isinstance(refused(tmp_path, port=0, cert=path, key=path), CannotListen)


def test_a_port_that_is_in_use(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        error = refused(tmp_path, port=other.getsockname()[1])
    assert isinstance(error, CannotListen)
    assert "in use" in str(error)


def test_an_address_of_another_machine(tmp_path):
    error = refused(tmp_path, host="192.0.2.1", port=0, insecure=True)
    assert isinstance(error, CannotListen)


def test_a_calibration_that_is_none(tmp_path):
    for text in ("", "[]", "{}", '{"version": 1}', "NaN"):
        path = tmp_path / "calibration.json"
        path.write_text(text)
        settings = Settings(state=tmp_path, calibrations=(path,))
        assert isinstance(refused(tmp_path, settings=settings), NoCalibration), text


def test_a_damaged_database_is_not_served(tmp_path):
    (tmp_path / "hub.db").write_bytes(b"x" * 5000)
    assert isinstance(refused(tmp_path, port=0), StoreError)


def test_what_a_kill_left_of_an_upload_is_removed_before_anybody_calls(tmp_path, monkeypatch):
    folder = tmp_path / "models/aa"
    folder.mkdir(parents=True)
    model, left = folder / ("a" * 64), folder / f".{'a' * 64}.x1y2z3_4.tmp"
    for path in (model, left):
        path.write_bytes(b"x")
    monkeypatch.setattr("edge.hub.serve._end_in_order", lambda: None)

    def ready(_url):
        assert list(folder.iterdir()) == [model]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        serve(Settings(state=tmp_path), Listening(port=0), ready)
