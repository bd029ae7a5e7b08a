"""How am I: the board's power mode, clocks and temperature, and who else is using it.

Everything is read from files below `root`; a sensor that is not there is None, never an error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from edge import sysfs
from edge.device import ROOT
from edge.record import TEMPERATURES_C, Conditions

MAX_OTHER_CPU_LOAD = 0.10

_TICKS_PER_S = 100.0  # USER_HZ, the unit of /proc/stat; 100 on every Linux there is
_MIN_LOAD_S = 0.3  # /proc/stat counts in ticks of 10 ms: less says nothing
THROTTLED_NOW = 0xF  # get_throttled: under-voltage, capped, throttled, too hot
THROTTLED_SINCE_BOOT = 0xF0000  # the same four, ever since boot


class CpuTimes(NamedTuple):
    """Seconds of CPU time so far, summed over all cores."""

    total: float
    busy: float  # with what a hypervisor stole: others had it
    own: float  # this process and its children


@dataclass(frozen=True)
class Sensors:
    """One reading."""

    wall_time: str
    boot_id: str | None = None
    uptime_s: float | None = None
    governor: str | None = None
    clock_mhz: float | None = None  # of the fastest core: the one that works
    temperature_c: float | None = None
    throttle_bits: int | None = None
    cpu: CpuTimes | None = None


Span = tuple[Sensors, Sensors]  # readings at the start and at the end


def on_battery(root: Path = ROOT) -> bool:
    """Whether a battery of the device is being drained; False where there is none to be seen.

    Those of a mouse or a keyboard feed only these: their scope is ``Device``.
    """
    supplies = (root / "sys/class/power_supply").glob("*")
    return any(
        sysfs.line(supply / "status") == "Discharging" and sysfs.line(supply / "scope") != "Device"
        for supply in supplies
    )


def power_mode(root: Path = ROOT) -> str:
    """What caps the clocks: ``nvpmodel N`` on a Jetson, else the governor, else ``unknown``."""
    mode = nvpmodel(root)
    return f"nvpmodel {mode}" if mode else _governor(root) or "unknown"


def nvpmodel(root: Path = ROOT) -> str | None:
    """The number of a Jetson's power mode."""
    found = re.search(r"pmode:0*(\d+)", sysfs.text(root / "var/lib/nvpmodel/status") or "")
    return found[1] if found else None


def read_sensors(root: Path = ROOT, child: int | None = None) -> Sensors:
    """Read every sensor once; `child` is the running process that works for us, if any."""
    return Sensors(
        wall_time=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        boot_id=sysfs.line(root / "proc/sys/kernel/random/boot_id"),
        uptime_s=sysfs.number(root / "proc/uptime"),
        governor=_governor(root),
        clock_mhz=_clock_mhz(root),
        temperature_c=_temperature_c(root),
        throttle_bits=_throttle_bits(root),
        cpu=_cpu_times(root, child),
    )


def conditions(root: Path = ROOT, spans: Sequence[Span] = ()) -> Conditions:
    """The conditions over `spans` of time, in order: by default of this moment.

    Before is the start of the first span, after the end of the last one; throttling and load
    are those inside the spans. A moment has no load.
    """
    if not spans:
        now = read_sensors(root)
        spans = [(now, now)]
    before, after = spans[0][0], spans[-1][1]
    return Conditions(
        wall_time=before.wall_time,
        boot_id=after.boot_id,
        uptime_s=before.uptime_s,
        kernel=sysfs.line(root / "proc/sys/kernel/osrelease"),
        os=_os_name(root),
        governor=after.governor,
        clock_mhz_before=before.clock_mhz,
        clock_mhz_after=after.clock_mhz,
        temperature_c_before=before.temperature_c,
        temperature_c_after=after.temperature_c,
        throttled=_throttled(spans),
        other_cpu_load=_other_cpu_load(spans),
    )


def _os_name(root: Path) -> str | None:
    text = sysfs.text(root / "etc/os-release") or ""
    found = re.search(r'^PRETTY_NAME="?([^"\n]+)', text, re.MULTILINE)
    return found[1] if found else None


def _governor(root: Path) -> str | None:
    return sysfs.line(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def _clock_mhz(root: Path) -> float | None:
    folder = root / "sys/devices/system/cpu"
    khz = sysfs.numbers(folder.glob("cpu[0-9]*/cpufreq/scaling_cur_freq"))
    return max(khz) / 1000 if khz else None


def _temperature_c(root: Path) -> float | None:
    """The hottest zone of the CPU, or of the whole board where none is named after it.

    A sensor that is broken or asleep says anything: what is no temperature of a board is left out.
    """
    zones = list((root / "sys/class/thermal").glob("thermal_zone*"))
    named = [z for z in zones if re.search("cpu|soc|pkg", (sysfs.text(z / "type") or "").lower())]
    of_cpu, of_all = (sysfs.numbers(z / "temp" for z in group) for group in (named, zones))
    least_c, most_c = TEMPERATURES_C
    found_c = [milli_c / 1000 for milli_c in of_cpu or of_all]
    return max((c for c in found_c if least_c <= c <= most_c), default=None)


def _throttle_bits(root: Path) -> int | None:
    """What `vcgencmd get_throttled` prints, from the file that needs no tool.

    Kernels without that file have at least the alarm for under-voltage: bit 0.
    """
    folder = root / "sys/devices/platform"
    for pattern in ("*firmware/get_throttled", "*/*firmware/get_throttled"):
        for path in folder.glob(pattern):
            try:
                return int(sysfs.line(path) or "", 16)
            except ValueError:
                continue
    for sensor in (root / "sys/class/hwmon").glob("hwmon*"):
        alarm = sysfs.number(sensor / "in0_lcrit_alarm")
        if sysfs.line(sensor / "name") == "rpi_volt" and alarm is not None:
            return int(alarm)
    return None


def _throttled(spans: Sequence[Span]) -> bool | None:
    """Whether a bit is set at either end of a span or, since boot, appears inside it."""
    bits = [(before.throttle_bits, after.throttle_bits) for before, after in spans]
    known = [(start, end) for start, end in bits if start is not None and end is not None]
    if not known:
        return None
    return any(
        (start | end) & THROTTLED_NOW or end & ~start & THROTTLED_SINCE_BOOT for start, end in known
    )


def _cpu_times(root: Path, child: int | None) -> CpuTimes | None:
    first = (sysfs.text(root / "proc/stat") or "").partition("\n")[0].split()
    if first[:1] != ["cpu"] or len(first) < 9:
        return None
    # user nice system idle iowait irq softirq steal; the guests after them are in user already
    ticks = [int(field) for field in first[1:9]]
    total, idle = sum(ticks), ticks[3] + ticks[4]
    own_s = _own_cpu_s(root, child)
    return CpuTimes(total / _TICKS_PER_S, (total - idle) / _TICKS_PER_S, own_s)


def _own_cpu_s(root: Path, child: int | None) -> float:
    times = os.times()
    own = times.user + times.system + times.children_user + times.children_system
    stat = (sysfs.text(root / f"proc/{child}/stat") or "") if child else ""
    fields = stat.rpartition(")")[2].split()  # the name before it may hold blanks
    return own + sum(map(int, fields[11:13])) / _TICKS_PER_S


def _other_cpu_load(spans: Sequence[Span]) -> float | None:
    """The share of all cores that others used; None where the spans are too short to say."""
    others_s = total_s = 0.0
    for before, after in spans:
        if before.cpu is None or after.cpu is None:
            return None
        total, busy, own = (end - start for start, end in zip(before.cpu, after.cpu, strict=True))
        others_s += busy - own
        total_s += total
    if total_s < _MIN_LOAD_S:
        return None
    return min(1.0, max(0.0, others_s / total_s))
