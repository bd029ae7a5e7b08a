"""Who am I and how am I: the board, its clocks, its temperature, and who else is using it.

Everything is read from files below `root`; a sensor that is not there is None, never an error.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal, NamedTuple

from edge.record import Conditions

Kind = Literal["raspberry-pi", "jetson", "vm", "generic"]

ROOT = Path("/")
MAX_OTHER_CPU_LOAD = 0.10
HOT_C = 70.0

_TICKS_PER_S = 100.0  # USER_HZ, the unit of /proc/stat; 100 on every Linux there is
_MIN_LOAD_S = 0.3  # /proc/stat counts in ticks of 10 ms: less says nothing
_THROTTLED_NOW = 0xF  # get_throttled: under-voltage, capped, throttled, too hot
_THROTTLED_SINCE_BOOT = 0xF0000  # the same four, ever since boot
_VM_VENDORS = ("qemu", "kvm", "vmware", "virtualbox", "innotek", "xen", "amazon ec2", "google")


@dataclass(frozen=True)
class Device:
    """The machine, as far as it decides how fast a model runs."""

    name: str  # of the board, or of the CPU
    cores: int
    arch: str
    kind: Kind
    memory_bytes: int | None

    @property
    def fingerprint(self) -> str:
        """A readable name, the same after a reboot; equal devices have equal fingerprints.

        Memory is left out: what the kernel reports differs between versions of a kernel.
        """
        return f"{self.name}, {self.cores} cores, {self.arch}, {self.kind}"


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


def describe(root: Path = ROOT) -> Device:
    """Say which machine this is."""
    cpuinfo = _text(root / "proc/cpuinfo") or ""
    board = (_text(root / "proc/device-tree/model") or "").strip("\0 \n")
    kind = _kind(root, board, cpuinfo)
    arch = platform.machine() or "unknown"
    return Device(
        name=board or _cpu_name(cpuinfo) or f"unknown {arch}",
        cores=len(re.findall(r"^processor\s*:", cpuinfo, re.MULTILINE)) or os.cpu_count() or 1,
        arch=arch,
        kind=kind,
        memory_bytes=_memory_bytes(root),
    )


def power_mode(root: Path = ROOT) -> str:
    """What caps the clocks: ``nvpmodel N`` on a Jetson, else the governor, else ``unknown``."""
    status = re.search(r"pmode:0*(\d+)", _text(root / "var/lib/nvpmodel/status") or "")
    if status:
        return f"nvpmodel {status[1]}"
    return _governor(root) or "unknown"


def read_sensors(root: Path = ROOT, child: int | None = None) -> Sensors:
    """Read every sensor once; `child` is the running process that works for us, if any."""
    return Sensors(
        wall_time=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        boot_id=_line(root / "proc/sys/kernel/random/boot_id"),
        uptime_s=_first_number(_line(root / "proc/uptime")),
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
        kernel=_line(root / "proc/sys/kernel/osrelease"),
        os=_os_name(root),
        governor=after.governor,
        clock_mhz_before=before.clock_mhz,
        clock_mhz_after=after.clock_mhz,
        temperature_c_before=before.temperature_c,
        temperature_c_after=after.temperature_c,
        throttled=_throttled(spans),
        other_cpu_load=_other_cpu_load(spans),
    )


def advice(device: Device, conditions: Conditions) -> list[str]:
    """What would make this machine fit to measure, one sentence each; empty if it is."""
    found = []
    if conditions.throttled:
        found.append("The board throttles: give it a stronger power supply and cooling.")
    if conditions.governor not in (None, "performance"):
        found.append(
            f"The CPU governor is {conditions.governor!r}: "
            "run `sudo cpupower frequency-set -g performance`."
        )
    if (conditions.temperature_c_after or 0) > HOT_C:
        found.append(f"The CPU has {conditions.temperature_c_after:.0f} °C: cool it first.")
    if (conditions.other_cpu_load or 0) > MAX_OTHER_CPU_LOAD:
        found.append(f"Others use {conditions.other_cpu_load:.0%} of the CPU: stop them.")
    if device.kind == "jetson":
        found.append("Lock the clocks of the Jetson: run `sudo jetson_clocks`.")
    if device.kind == "vm":
        found.append("This is a virtual machine: other guests can disturb it unseen.")
    if conditions.clock_mhz_after is None or conditions.temperature_c_after is None:
        found.append("Clock or temperature cannot be read: no verdict is better than unverified.")
    return found


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # missing, forbidden, or a sensor that is asleep
        return None


def _line(path: Path) -> str | None:
    return (_text(path) or "").strip() or None


def _first_number(text: str | None) -> float | None:
    try:
        return float((text or "").split()[0])
    except (IndexError, ValueError):
        return None


def _numbers(paths: Iterable[Path]) -> list[float]:
    return [n for n in (_first_number(_text(path)) for path in paths) if n is not None]


def _kind(root: Path, board: str, cpuinfo: str) -> Kind:
    if board.startswith("Raspberry Pi"):
        return "raspberry-pi"
    if "Jetson" in board or (root / "etc/nv_tegra_release").exists():
        return "jetson"
    vendor = (_text(root / "sys/class/dmi/id/sys_vendor") or "").lower()
    flags = re.search(r"^flags\s*:.*\bhypervisor\b", cpuinfo, re.MULTILINE)
    return "vm" if flags or vendor.startswith(_VM_VENDORS) else "generic"


def _cpu_name(cpuinfo: str) -> str | None:
    """The marketing name; a hypervisor may hide the model in it, so its numbers follow."""
    field = _fields(cpuinfo)
    name = field("model name") or field("Hardware") or field("uarch")
    if name and field("cpu family"):
        return f"{name} (family {field('cpu family')} model {field('model')})"
    if not name and field("CPU part"):
        return f"CPU {field('CPU implementer')}/{field('CPU part')}"
    return name


def _fields(cpuinfo: str) -> Callable[[str], str | None]:
    pairs = (line.partition(":") for line in reversed(cpuinfo.splitlines()))
    fields = {key.strip(): value.strip() for key, _, value in pairs}
    return lambda key: fields.get(key) or None


def _memory_bytes(root: Path) -> int | None:
    found = re.search(r"^MemTotal:\s*(\d+) kB", _text(root / "proc/meminfo") or "", re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _os_name(root: Path) -> str | None:
    text = _text(root / "etc/os-release") or ""
    found = re.search(r'^PRETTY_NAME="?([^"\n]+)', text, re.MULTILINE)
    return found[1] if found else None


def _governor(root: Path) -> str | None:
    return _line(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def _clock_mhz(root: Path) -> float | None:
    folder = root / "sys/devices/system/cpu"
    khz = _numbers(folder.glob("cpu[0-9]*/cpufreq/scaling_cur_freq"))
    return max(khz) / 1000 if khz else None


def _temperature_c(root: Path) -> float | None:
    """The hottest zone of the CPU, or of the whole board where none is named after it."""
    zones = list((root / "sys/class/thermal").glob("thermal_zone*"))
    named = [z for z in zones if re.search("cpu|soc|pkg", (_text(z / "type") or "").lower())]
    milli_c = _numbers(zone / "temp" for zone in named) or _numbers(z / "temp" for z in zones)
    return max(milli_c) / 1000 if milli_c else None


def _throttle_bits(root: Path) -> int | None:
    """What `vcgencmd get_throttled` prints, from the file that needs no tool."""
    folder = root / "sys/devices/platform"
    for pattern in ("*firmware/get_throttled", "*/*firmware/get_throttled"):
        for path in folder.glob(pattern):
            try:
                return int(_line(path) or "", 16)
            except ValueError:
                continue
    return None


def _throttled(spans: Sequence[Span]) -> bool | None:
    """Whether a bit is set at either end of a span or, since boot, appears inside it."""
    bits = [(before.throttle_bits, after.throttle_bits) for before, after in spans]
    known = [(start, end) for start, end in bits if start is not None and end is not None]
    if not known:
        return None
    return any(
        (start | end) & _THROTTLED_NOW or end & ~start & _THROTTLED_SINCE_BOOT
        for start, end in known
    )


def _cpu_times(root: Path, child: int | None) -> CpuTimes | None:
    first = (_text(root / "proc/stat") or "").partition("\n")[0].split()
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
    stat = (_text(root / f"proc/{child}/stat") or "") if child else ""
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
