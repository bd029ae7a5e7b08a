"""`facet info`: this machine, and what would make it fit to measure."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.commands.shared import json_option, tell
from edge.text import facts, fill, table

if TYPE_CHECKING:
    from edge.record import Conditions


_LOOK_S = 0.5  # the load is what others did meanwhile


@click.command("info")
@click.option(
    "--sysroot",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default="/",
    help="Read the /proc, /sys and /etc of another machine below this folder.",
)
@json_option
def info(sysroot: Path, as_json: bool) -> None:
    """Show this machine and its runtimes.

    Also says what would make it fit to measure, and what to type for it.
    """
    from edge import device as machine
    from edge import sensors
    from edge.advice import advice

    device, conditions = machine.describe(sysroot), _look(sysroot)
    seen = {
        "device": device.fingerprint,
        "memory_bytes": device.memory_bytes,
        "os": conditions.os,
        "kernel": conditions.kernel,
        "power_mode": sensors.power_mode(sysroot),
        "clock_mhz": conditions.clock_mhz_after,
        "temperature_c": conditions.temperature_c_after,
        "throttled": conditions.throttled,
        "other_cpu_load": conditions.other_cpu_load,
        "runtimes": _runtimes(),
        "advice": [asdict(one) for one in advice(device, conditions, sysroot)],
    }
    tell(as_json, seen, lambda: _info_text(seen))


def _look(sysroot: Path) -> Conditions:
    from edge import device as machine
    from edge import sensors

    before = sensors.read_sensors(sysroot)
    if sysroot == machine.ROOT:  # files that were copied do not change
        time.sleep(_LOOK_S)
    return sensors.conditions(sysroot, [(before, sensors.read_sensors(sysroot))])


def _runtimes() -> dict[str, dict[str, str | None]]:
    """What can run models here; the version is None where the runtime is not usable."""
    from edge import runtimes

    found = {}
    for runtime in map(runtimes.get_runtime, runtimes.names()):
        try:
            version, problem = runtime.version(), None
        except runtimes.MissingRuntime as error:
            version, problem = None, str(error)
        found[runtime.name] = {"files": runtime.suffix, "version": version, "problem": problem}
    return found


def _info_text(seen: dict[str, Any]) -> str:
    def shown(key: str, unit: str, scale: float = 1.0) -> str:
        return "unknown" if seen[key] is None else f"{seen[key] * scale:.0f} {unit}"

    machine = {
        "Device": seen["device"],
        "Memory": shown("memory_bytes", "MiB", 2**-20),
        "System": f"{seen['os'] or 'unknown'}, kernel {seen['kernel'] or 'unknown'}",
        "Power mode": seen["power_mode"],
        "Clock": shown("clock_mhz", "MHz"),
        "Temperature": shown("temperature_c", "°C"),
        "Others' load": shown("other_cpu_load", "% of the processor", 100),
        "Throttled": {None: "unknown", True: "yes", False: "no"}[seen["throttled"]],
    }
    runtimes = seen["runtimes"].items()
    rows = [[name, of["files"], of["version"] or "not installed"] for name, of in runtimes]
    problems = [fill(f"- {of['problem']}", indent=2) for _, of in runtimes if of["problem"]]
    advice = [line for one in seen["advice"] for line in _advice_lines(one)]
    return "\n".join(
        [
            facts(machine),
            "",
            table(["runtime", "files", "version"], rows, names=3),
            *problems,
            "",
            "To measure well:" if advice else "Fit to measure.",
            *advice,
        ]
    )


def _advice_lines(one: dict[str, str | None]) -> list[str]:
    """The command has a line of its own, never wrapped, to copy."""
    command = [f"    {one['command']}"] if one["command"] else []
    return [fill(f"- {one['problem']}", indent=2), *command]
