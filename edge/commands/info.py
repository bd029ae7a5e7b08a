"""`facet info`: this machine, and what would make it fit to measure."""

from __future__ import annotations

from typing import Any

import click

from edge.commands.shared import json_option, tell
from edge.text import facts, fill, table


@click.command("info")
@json_option
def info(as_json: bool) -> None:
    """Show this machine and its runtimes.

    Also says what would make it fit to measure.
    """
    from edge import device as machine

    device, conditions = machine.describe(), machine.conditions()
    seen = {
        "device": device.fingerprint,
        "memory_bytes": device.memory_bytes,
        "os": conditions.os,
        "kernel": conditions.kernel,
        "power_mode": machine.power_mode(),
        "clock_mhz": conditions.clock_mhz_after,
        "temperature_c": conditions.temperature_c_after,
        "throttled": conditions.throttled,
        "runtimes": _runtimes(),
        "advice": machine.advice(device, conditions),
    }
    tell(as_json, seen, lambda: _info_text(seen))


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
        "Throttled": {None: "unknown", True: "yes", False: "no"}[seen["throttled"]],
    }
    runtimes = seen["runtimes"].items()
    rows = [[name, of["files"], of["version"] or "not installed"] for name, of in runtimes]
    problems = [fill(f"- {of['problem']}", indent=2) for _, of in runtimes if of["problem"]]
    advice = [fill(f"- {sentence}", indent=2) for sentence in seen["advice"]]
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
