"""Who am I: the board and its processor, as far as they decide how fast a model runs.

Everything is read from files below `root`; what is not there is None, never an error.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge import sysfs

Kind = Literal["raspberry-pi", "jetson", "vm", "emulated", "generic"]

ROOT = Path("/")

_VM_VENDORS = ("qemu", "kvm", "vmware", "virtualbox", "innotek", "xen", "amazon ec2", "google")
_FAMILIES = (("arm", "aarch64"), ("x86", "i386", "i486", "i586", "i686", "amd64"))


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


def describe(root: Path = ROOT, environ: Mapping[str, str] = os.environ) -> Device:
    """Say which machine this is."""
    cpuinfo = sysfs.text(root / "proc/cpuinfo") or ""
    board = sysfs.line(root / "proc/device-tree/model") or ""
    kernel, here = sysfs.line(root / "proc/sys/kernel/arch"), platform.machine()
    emulated = root == ROOT and is_emulated(here, kernel, environ)
    arch = (kernel if root != ROOT else None) or here or "unknown"
    kind: Kind = "emulated" if emulated else _kind(root, board, cpuinfo)
    return Device(
        name=board or _cpu_name(cpuinfo) or f"unknown {arch}",
        cores=_cores(root, kind, cpuinfo),
        arch=arch,
        kind=kind,
        memory_bytes=_memory_bytes(root),
    )


def is_emulated(machine: str, kernel: str | None, environ: Mapping[str, str]) -> bool:
    """Whether QEMU runs this program for a processor that is not there (user-mode emulation).

    It answers `uname` with the `machine` it plays, but lets /proc through: there the `kernel`
    (Linux 6.1 and later) names the processor it runs on. A 32-bit program on a 64-bit kernel of
    its own family is no such case. Older kernels tell nothing; what is left there is QEMU_CPU,
    which chooses the processor to play. Whoever hides both can only fool himself: it keeps the
    times of an emulator, which are no latencies, out of a calibration.
    """
    return "QEMU_CPU" in environ or bool(kernel and machine and _family(kernel) != _family(machine))


def _family(machine: str) -> str:
    return next((names[0] for names in _FAMILIES if machine.startswith(names)), machine)


def _kind(root: Path, board: str, cpuinfo: str) -> Kind:
    if board.startswith("Raspberry Pi"):
        return "raspberry-pi"
    if "Jetson" in board or (root / "etc/nv_tegra_release").exists():
        return "jetson"
    vendor = (sysfs.text(root / "sys/class/dmi/id/sys_vendor") or "").lower()
    flags = re.search(r"^flags\s*:.*\bhypervisor\b", cpuinfo, re.MULTILINE)
    return "vm" if flags or vendor.startswith(_VM_VENDORS) else "generic"


def _cores(root: Path, kind: Kind, cpuinfo: str) -> int:
    """Those at work; of a Jetson all that there are: its power modes, which are named apart, switch
    some off, and it stays the same machine."""
    present = sysfs.line(root / "sys/devices/system/cpu/present") if kind == "jetson" else None
    if present and re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", present):
        ends = [[int(end) for end in part.split("-")] for part in present.split(",")]
        return sum(end[-1] - end[0] + 1 for end in ends)
    return len(re.findall(r"^processor\s*:", cpuinfo, re.MULTILINE)) or os.cpu_count() or 1


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
    meminfo = sysfs.text(root / "proc/meminfo") or ""
    found = re.search(r"^MemTotal:\s*(\d+) kB", meminfo, re.MULTILINE)
    return int(found[1]) * 1024 if found else None
