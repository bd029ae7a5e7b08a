from __future__ import annotations

from pathlib import Path

import pytest

from edge.agent.address import BadAddress, HubAddress, is_local, read_token


@pytest.mark.parametrize(
    "url",
    [
        "https://hub.example",
        "https://hub.example:8443/base",
        "http://127.0.0.1:8000",
        "http://192.168.1.20",
        "http://[::1]:80",
        "http://[fd00::7]",
        "http://hub.local",
        "http://localhost",
    ],
)
def test_a_hub_that_may_be_called(url: str) -> None:
    assert HubAddress(url).url == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hub.example", "in the clear"),
        ("http://8.8.8.8", "in the clear"),
        ("http://127.0.0.1.evil.example", "in the clear"),
        ("http://notlocalhost", "in the clear"),
        ("ftp://127.0.0.1", "is no hub"),
        ("hub.example", "is no hub"),
        ("https://", "is no hub"),
        ("https://user:secret@hub.example", "neither a user"),
        ("https://hub.example/?token=1", "neither a user"),
        ("https://hub.example:port", "is no URL"),
        ("https://[::1", "is no URL"),
    ],
)
def test_one_that_may_not(url: str, why: str) -> None:
    with pytest.raises(BadAddress, match=why):
        HubAddress(url)


def test_whoever_insists_may_call_anyone() -> None:
    assert HubAddress("http://hub.example", insecure=True).insecure


@pytest.mark.parametrize(
    "host", ["10.1.2.3", "172.16.0.1", "fe80::1%eth0", "a.home.arpa", "LOCALHOST."]
)
def test_local(host: str) -> None:
    assert is_local(host)


def test_an_authority_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadAddress, match="no certificate authority"):
        HubAddress("https://hub.example", tmp_path / "none.pem").ssl_context()
    (tmp_path / "bad.pem").write_text("no certificate")
    with pytest.raises(BadAddress, match="no certificate authority"):
        HubAddress("https://hub.example", tmp_path / "bad.pem").ssl_context()


def test_a_token_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("abc-DEF_123\n")
    assert read_token(path) == "abc-DEF_123"


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"two\nlines", b"\xff", b"x" * 600])
def test_what_is_no_token(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(BadAddress, match="token"):
        read_token(path)


def test_no_file_no_token(tmp_path: Path) -> None:
    with pytest.raises(BadAddress, match="No such file"):
        read_token(tmp_path / "token")
