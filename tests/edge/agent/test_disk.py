"""A disk that is really full, and one that is really read-only: a tmpfs of two megabytes."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from edge.agent import work
from edge.agent.state import RESERVE_BYTES
from edge.orders import Order
from edge.session import Result
from tests.edge.agent.boards import Hub, measured, refusing, run_once

ROOM = {"min_free_bytes": 64 << 10}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    try:
        made = subprocess.run(mount, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if made.returncode:
        pytest.skip(f"a tmpfs may not be mounted here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(autouse=True)
def _no_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    def carry_out(order: Order, files: Mapping[str, Path], **_: Any) -> list[Result]:
        return measured(order, files)

    monkeypatch.setattr(work, "carry_out", carry_out)


def fill(folder: Path) -> Path:
    path = folder / "fill"
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return path


def test_a_full_disk_is_told_and_sends_what_waits(disk: Path) -> None:
    hub = Hub()
    hub.offer(b"one")
    hub.override["/v1/reports"] = refusing(503)
    assert not run_once(hub, disk, **ROOM)
    assert (disk / "state/reserve").stat().st_size == RESERVE_BYTES
    filler = fill(disk)
    hub.override.clear()
    hub.offer(b"two")
    hub.beats.clear()
    assert not run_once(hub, disk, **ROOM)
    assert [beat.state for beat in hub.beats] == ["full"]
    assert [r.subject.name for r in hub.records.values()] == ["one"]
    assert not (disk / "state/reserve").exists()  # it was the room for that
    filler.unlink()
    assert run_once(hub, disk, **ROOM)
    assert sorted(r.subject.name for r in hub.records.values()) == ["one", "two"]
    assert sum(len(report.records) for report in hub.reports) == 2 + 1  # "one" went twice


def test_a_read_only_disk_is_told(disk: Path) -> None:
    hub = Hub()
    assert run_once(hub, disk, **ROOM)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    hub.offer(b"one")
    hub.beats.clear()
    assert not run_once(hub, disk, **ROOM)
    assert [beat.state for beat in hub.beats] == ["full"]
    assert hub.records == {}
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    assert run_once(hub, disk, **ROOM)
    assert len(hub.records) == 1
