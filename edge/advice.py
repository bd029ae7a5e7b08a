"""What would make this machine fit to measure, and what to type for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge import sysfs
from edge.device import ROOT, Device
from edge.record import Conditions
from edge.sensors import (
    MAX_OTHER_CPU_LOAD,
    THROTTLED_NOW,
    THROTTLED_SINCE_BOOT,
    nvpmodel,
    on_battery,
    read_sensors,
)

HOT_C = 70.0

_UNDER_VOLTAGE = 0x1
_CPU = Path("sys/devices/system/cpu")


@dataclass(frozen=True)
class Advice:
    """One thing to change, and the command that does it or shows more, where there is one."""

    problem: str
    command: str | None = None


def advice(device: Device, conditions: Conditions, root: Path = ROOT) -> list[Advice]:
    """What to change on `device` before measuring under `conditions`; empty if it is fit."""
    return [
        *_throttling(root),
        *_clocks(device, conditions, root),
        *_power(device, root),
        *_surroundings(device, conditions),
    ]


def _throttling(root: Path) -> Iterator[Advice]:
    """The flags of a Raspberry Pi's firmware."""
    bits = read_sensors(root).throttle_bits or 0
    if bits & _UNDER_VOLTAGE:
        yield Advice(
            "The power supply is too weak: use the one made for the board, and a short cable.",
            "vcgencmd get_throttled",
        )
    elif bits & THROTTLED_NOW:
        yield Advice("The firmware holds the clock down: cool the board.", "vcgencmd measure_temp")
    elif bits & THROTTLED_SINCE_BOOT:
        yield Advice(
            "The board had too little power or was too hot since it booted: see that it does not "
            "happen again; a reboot clears the flag.",
            "sudo reboot",
        )


def _clocks(device: Device, conditions: Conditions, root: Path) -> Iterator[Advice]:
    if device.kind == "jetson":
        if not _locked(root):
            yield Advice("The clocks follow the load: lock them.", "sudo jetson_clocks")
    elif conditions.governor not in (None, "performance"):
        yield Advice(
            f"The clock follows the load, by the governor {conditions.governor!r}.",
            f"echo performance | sudo tee /{_CPU}/cpu*/cpufreq/scaling_governor",
        )
    if device.kind == "generic":
        yield from _boost(root)


def _locked(root: Path) -> bool:
    """Whether the clock of every core has one value to choose from."""
    folders = list((root / _CPU).glob("cpu[0-9]*/cpufreq"))
    limits = [sysfs.numbers(f / f"scaling_{end}_freq" for end in ("min", "max")) for f in folders]
    return bool(limits) and all(len(ends) == 2 and ends[0] == ends[1] for ends in limits)


def _boost(root: Path) -> Iterator[Advice]:
    for file, on, off in (("intel_pstate/no_turbo", "0", "1"), ("cpufreq/boost", "1", "0")):
        if sysfs.line(root / _CPU / file) == on:
            yield Advice(
                "The processor boosts its clock until it is warm: the first model would win.",
                f"echo {off} | sudo tee /{_CPU}/{file}",
            )


def _power(device: Device, root: Path) -> Iterator[Advice]:
    if on_battery(root):
        yield Advice("The machine runs on its battery: plug it in.")
    if device.kind == "jetson":
        yield from _power_mode(root)


def _power_mode(root: Path) -> Iterator[Advice]:
    """A power mode is part of the target: it may be the right one, but not by accident."""
    now = nvpmodel(root)
    listed = sysfs.text(root / "etc/nvpmodel.conf") or ""
    names = dict(re.findall(r"<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+)", listed))
    fastest = next((mode for mode, name in names.items() if name.startswith("MAXN")), None)
    if now and fastest and now != fastest:
        yield Advice(
            f"The power mode is {now}, {names.get(now, 'unnamed')}: measure in the one that "
            f"you will use; the fastest is {fastest}, {names[fastest]}.",
            f"sudo nvpmodel -m {fastest}",
        )


def _surroundings(device: Device, conditions: Conditions) -> Iterator[Advice]:
    if (conditions.temperature_c_after or 0) > HOT_C:
        yield Advice(f"The processor has {conditions.temperature_c_after:.0f} °C: let it cool.")
    if (conditions.other_cpu_load or 0) > MAX_OTHER_CPU_LOAD:
        yield Advice(
            f"Others use {conditions.other_cpu_load:.0%} of the processor: stop them.",
            "top -b -n 1 | head -15",
        )
    if device.kind == "vm":
        yield Advice("This is a virtual machine: other guests can disturb it unseen.")
    if device.kind == "emulated":
        yield Advice("This processor is emulated: its times are no latencies, and correct nothing.")
    if conditions.clock_mhz_after is None or conditions.temperature_c_after is None:
        yield Advice(
            "Clock or temperature cannot be read: no verdict is better than clean-unverified."
        )
