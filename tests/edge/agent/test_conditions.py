from __future__ import annotations

from pathlib import Path

import pytest

from edge.agent.conditions import clock_synchronised, heartbeat, too_hot
from edge.sensors import Sensors


def sensors(**known: object) -> Sensors:
    return Sensors(wall_time="2026-07-01T12:00:00+00:00", **known)  # type: ignore[arg-type]


def test_a_board_without_sensors_has_a_heartbeat(tmp_path: Path) -> None:
    beat = heartbeat("idle", 3, 4096, tmp_path)
    assert (beat.temperature_c, beat.throttled) == (None, None)
    assert (beat.state, beat.spooled, beat.spool_bytes) == ("idle", 3, 4096)
    assert beat.boot_id.startswith("start-")
    assert beat.uptime_s < 3600  # of this start, and not of the machine
    again = heartbeat("idle", 0, 0, tmp_path)
    assert again.boot_id == beat.boot_id
    assert again.uptime_s >= beat.uptime_s


def test_a_boot_is_what_the_kernel_calls_it(tmp_path: Path) -> None:
    path = tmp_path / "proc/sys/kernel/random/boot_id"
    path.parent.mkdir(parents=True)
    path.write_text("5f0c7f1e-0000-4000-8000-000000000000\n")
    assert heartbeat("idle", 0, 0, tmp_path).boot_id == "5f0c7f1e-0000-4000-8000-000000000000"
    path.write_text("no id at all\n")
    assert heartbeat("idle", 0, 0, tmp_path).boot_id.startswith("start-")


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ({}, None),
        ({"temperature_c": 74.9}, None),
        ({"temperature_c": 75.0}, "the device was at 75 °C"),
        ({"throttle_bits": 0xF0000}, None),  # since boot, not now
        ({"throttle_bits": 0x4, "temperature_c": 90.0}, "the device throttled"),
    ],
)
def test_too_hot_to_measure(known: dict[str, object], why: str | None) -> None:
    assert too_hot(sensors(**known)) == why


@pytest.mark.parametrize(("answer", "known"), [(0, True), (3, True), (5, False), (-1, None)])
def test_whether_the_kernel_follows_a_time_server(
    tmp_path: Path, answer: int, known: bool | None
) -> None:
    assert clock_synchronised(tmp_path, lambda: answer) is known


def test_systemd_says_so_too(tmp_path: Path) -> None:
    flag = tmp_path / "run/systemd/timesync/synchronized"
    flag.parent.mkdir(parents=True)
    flag.touch()
    assert clock_synchronised(tmp_path, lambda: 5) is True
