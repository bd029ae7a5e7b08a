"""A real hub process: killed between reports, started again, nothing acknowledged is lost."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

FACET = [sys.executable, "-c", "from edge.cli import main; main()", "hub"]


def facet(state: Path, *arguments: str) -> str:
    command = [*FACET, *arguments, "--state", str(state)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def serving(state: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A hub on a free port, and its URL."""
    command = [*FACET, "serve", "--port", "0", "--state", str(state), *arguments]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Hub at http"), line
        yield process, line.split()[-1]
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def ids(url, token):
    found = httpx.get(f"{url}/v1/records", params={"limit": 2000}, headers=bearer(token))
    return [m["samples_ns"][1][1] for m in found.json()["records"]]


@pytest.mark.slow
def test_a_killed_hub_has_all_that_it_acknowledged(tmp_path, make):
    from edge.hub_api import Report

    device, operator = (facet(tmp_path, f"add-{kind}", kind) for kind in ("device", "operator"))
    subject = make.subject("a" * 64)
    reports = [Report(records=(make.record(subject, seed=n),)) for n in range(12)]
    acknowledged = []
    for kill_after in (5, 7):
        with serving(tmp_path) as (process, url):
            for _ in range(kill_after):
                report = reports[len(acknowledged)]
                headers = {**bearer(device), "Idempotency-Key": report.id}
                got = httpx.post(f"{url}/v1/reports", content=report.to_json(), headers=headers)
                assert got.json()["new"] == 1
                acknowledged.append(report.records[0].samples_ns[1][1])
            process.send_signal(signal.SIGKILL)
            assert process.wait(10) == -signal.SIGKILL
        connection = sqlite3.connect(tmp_path / "hub.db")
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()
    with serving(tmp_path) as (_, url):
        assert ids(url, operator) == acknowledged == [1_900_000 + n for n in range(12)]
        for report in reports:  # as an agent does that has not seen the answer
            headers = {**bearer(device), "Idempotency-Key": report.id}
            got = httpx.post(f"{url}/v1/reports", content=report.to_json(), headers=headers)
            assert (got.status_code, got.json()["new"]) == (200, 0)
        assert ids(url, operator) == acknowledged


def test_it_ends_cleanly_when_it_is_told_to(tmp_path):
    with serving(tmp_path) as (process, url):
        assert httpx.get(f"{url}/healthz").json() == {"status": "ok"}
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) in (0, -signal.SIGTERM)
    assert not (tmp_path / "hub.db-wal").exists()


def test_it_serves_over_tls(tmp_path):
    openssl = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext"),
        *("subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"),
    ]
    try:
        subprocess.run(openssl, cwd=tmp_path, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl on the path")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    with serving(tmp_path / "hub", "--cert", str(cert), "--key", str(key)) as (_, url):
        import ssl

        assert url.startswith("https://127.0.0.1:")
        trusting = ssl.create_default_context(cafile=str(cert))
        assert httpx.get(f"{url}/healthz", verify=trusting).status_code == 200
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/healthz")
