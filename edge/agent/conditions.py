"""How the board is: what a heartbeat says, and whether it is too hot to measure."""

from __future__ import annotations

import ctypes
import re
import time
import uuid
from collections.abc import Callable
from functools import cache
from pathlib import Path

from edge import __version__
from edge.device import ROOT, describe
from edge.hub_api import DeviceWork, Heartbeat
from edge.record import Target
from edge.runtimes import MissingRuntime, names
from edge.sensors import THROTTLED_NOW, Sensors, read_sensors
from edge.target import make_target

HOT_C = 75.0  # a Raspberry Pi slows down at 80 °C
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_TIMEX_BYTES = 512  # larger than any kernel's struct timex; zeroed it asks and sets nothing


def heartbeat(state: DeviceWork, spooled: int, spool_bytes: int, root: Path = ROOT) -> Heartbeat:
    """This board as of now."""
    sensors = read_sensors(root)
    bits = sensors.throttle_bits
    boot_id, uptime_s = _boot(sensors)
    return Heartbeat(
        agent_version=__version__,
        boot_id=boot_id,
        uptime_s=uptime_s,
        wall_time=sensors.wall_time,
        clock_synchronised=clock_synchronised(root),
        device=describe(root).fingerprint[:300],
        targets=targets(root),
        temperature_c=sensors.temperature_c,
        throttled=None if bits is None else bool(bits & THROTTLED_NOW),
        state=state,
        spooled=spooled,
        spool_bytes=spool_bytes,
    )


def targets(root: Path = ROOT) -> tuple[Target, ...]:
    """What this board can measure for: every installed runtime, with one thread, at fp32."""
    found = []
    for runtime in names():
        try:
            found.append(make_target(runtime, 1, "fp32", root))
        except MissingRuntime:
            continue
    return tuple(found)


def too_hot(sensors: Sensors, hot_c: float = HOT_C) -> str | None:
    """Why a measurement that begins now would be doubtful, or None."""
    if sensors.throttle_bits is not None and sensors.throttle_bits & THROTTLED_NOW:
        return "the device throttled"
    if sensors.temperature_c is not None and sensors.temperature_c >= hot_c:
        return f"the device was at {sensors.temperature_c:.0f} °C"
    return None


def clock_synchronised(root: Path = ROOT, ask: Callable[[], int] | None = None) -> bool | None:
    """Whether the wall clock follows a time server; None where nobody knows."""
    if (root / "run/systemd/timesync/synchronized").exists():
        return True
    state = (ask or _ask_kernel)()
    return None if state < 0 else state != _TIME_ERROR


def _ask_kernel() -> int:
    return int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))


def _boot(sensors: Sensors) -> tuple[str, float]:
    """What the kernel calls this boot and its seconds so far, or what stands for it: this start of
    the agent."""
    found = sensors.boot_id or ""
    if re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", found):
        return found, time.monotonic() if sensors.uptime_s is None else sensors.uptime_s
    start_id, began_s = _start()
    return start_id, time.monotonic() - began_s


@cache
def _start() -> tuple[str, float]:
    return f"start-{uuid.uuid4().hex}", time.monotonic()
