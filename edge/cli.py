"""The command `facet`: thin, and quick to answer `--help`.

Everything heavier than click is imported by the command that needs it.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge import __version__
from edge.errors import EdgeError
from edge.text import fill, members_table

if TYPE_CHECKING:
    from edge.family import Manifest
    from edge.record import Target

EXIT_ERROR = 1
EXIT_NO_FIT = 3
_FAMILY = Path("results/family")


class _Facet(click.Group):
    """Shows EdgeFacet's own errors as one message, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except EdgeError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(EXIT_ERROR)


@click.group(cls=_Facet, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="facet")
def main() -> None:
    """One search, a family of networks, one for every latency budget.

    Exit codes: 0 done, 1 error, 2 wrong usage, 3 no member fits the budget.
    """


_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
_family_option = click.option(
    "--family",
    type=click.Path(path_type=Path),
    default=_FAMILY,
    show_default=True,
    help="Folder of the family, or its JSON file.",
)


def _positive(_ctx: click.Context, _param: click.Parameter, value: float) -> float:
    if not (value > 0 and math.isfinite(value)):
        raise click.BadParameter(f"{value:g} is not a positive number of milliseconds.")
    return value


@main.command("info")
@_json_option
def info(as_json: bool) -> None:
    """Show this machine and what would make it fit to measure."""
    from edge import device as machine

    device, conditions = machine.describe(), machine.conditions()
    facts = {
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
    click.echo(json.dumps(facts, indent=2) if as_json else _info_text(facts))


@main.command("members")
@_family_option
@_json_option
def members(family: Path, as_json: bool) -> None:
    """List the members of a family, as measured on each target."""
    from edge.family import Family

    manifest = Family.load(family).manifest
    if as_json:
        click.echo(json.dumps([m.model_dump(mode="json") for m in manifest.members], indent=2))
        return
    for target in manifest.targets or (None,):
        click.echo(fill(f"Target {target.id}: {target}" if target else "Not measured yet."))
        click.echo(members_table(manifest, target))


@main.command("pick")
@click.option(
    "--budget-ms",
    type=float,
    required=True,
    callback=_positive,
    help="What one inference may take.",
)
@click.option(
    "--percentile",
    type=click.Choice(["90", "95", "99"]),
    default="95",
    show_default=True,
    help="Share of the inferences that must stay within the budget.",
)
@click.option(
    "--min-accuracy", type=click.FloatRange(0, 1), help="Least hold-out accuracy, 0 to 1."
)
@click.option("--target", "target_id", help="Target to pick for, where there are several.")
@_family_option
@_json_option
@click.pass_context
def pick_member(
    ctx: click.Context,
    budget_ms: float,
    percentile: str,
    min_accuracy: float | None,
    target_id: str | None,
    family: Path,
    as_json: bool,
) -> None:
    """Name the most accurate member that is proven to fit a budget."""
    from edge.family import Family
    from edge.pick import NoFit, pick

    manifest = Family.load(family).manifest
    target = _find_target(manifest, target_id) if target_id else None
    try:
        chosen = pick(manifest, budget_ms, int(percentile), min_accuracy, target=target)
    except NoFit as error:
        if as_json:
            answer = {"error": str(error), "fastest": error.fastest, "gap_ms": error.gap_ms}
            click.echo(json.dumps(answer, indent=2))
        click.echo(f"error: {error}", err=True)
        ctx.exit(EXIT_NO_FIT)
    click.echo(json.dumps(chosen.to_dict(), indent=2) if as_json else fill(str(chosen)))


def _find_target(manifest: Manifest, target_id: str) -> Target:
    for target in manifest.targets:
        if target.id == target_id:
            return target
    known = ", ".join(target.id for target in manifest.targets) or "none"
    raise click.BadParameter(f"no target {target_id!r}; there are: {known}", param_hint="--target")


def _runtimes() -> dict[str, str | None]:
    """The version of every runtime that EdgeFacet can use; None where it is not installed."""
    from edge import runtimes

    versions: dict[str, str | None] = {}
    for name in runtimes.names():
        try:
            versions[name] = runtimes.get_runtime(name).version()
        except runtimes.MissingRuntime:
            versions[name] = None
    return versions


def _info_text(facts: dict[str, Any]) -> str:
    def shown(key: str, unit: str = "", scale: float = 1.0) -> str:
        return "unknown" if facts[key] is None else f"{facts[key] * scale:.0f} {unit}"

    throttled = {None: "unknown", True: "yes", False: "no"}[facts["throttled"]]
    runtimes = [
        f"{name} {version or '(not installed)'}" for name, version in facts["runtimes"].items()
    ]
    lines = {
        "Device": facts["device"],
        "Memory": shown("memory_bytes", "MiB", 2**-20),
        "System": f"{facts['os'] or 'unknown'}, kernel {facts['kernel'] or 'unknown'}",
        "Power mode": facts["power_mode"],
        "Clock": shown("clock_mhz", "MHz"),
        "Temperature": shown("temperature_c", "°C"),
        "Throttled": throttled,
        "Runtimes": ", ".join(runtimes) or "none",
    }
    text = [fill(f"{name + ':':<13}{value}", indent=13) for name, value in lines.items()]
    advice = [fill(f"- {sentence}", indent=2) for sentence in facts["advice"]]
    return "\n".join([*text, "", "To measure well:" if advice else "Fit to measure.", *advice])
