"""The command `facet`: thin, and quick to answer `--help`.

Everything heavier than click is imported by the command that needs it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from edge import __version__
from edge.errors import EdgeError
from edge.text import facts, fill, members_table, table

if TYPE_CHECKING:
    from edge.family import Manifest
    from edge.pick import Pick
    from edge.record import Target

EXIT_ERROR = 1
EXIT_NO_FIT = 3
_FAMILY = Path("results/family")
_COMPLETION = """\b
Completion for the running shell, bash (or zsh_source) and fish:
  eval "$(_FACET_COMPLETE=bash_source facet)"
  _FACET_COMPLETE=fish_source facet | source
"""
_AS_JSON = "edgefacet.as_json"  # in the context's meta: how an error is to be told


class _Facet(click.Group):
    """Shows EdgeFacet's own errors as one message, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except EdgeError as error:
            _fail(ctx, error, EXIT_ERROR)


@click.group(
    cls=_Facet,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_COMPLETION,
)
@click.version_option(__version__, prog_name="facet")
def main() -> None:
    """One search, a family of networks, one for every latency budget.

    Exit codes: 0 done, 1 error, 2 wrong usage, 3 no member fits the budget.
    """


def _note(ctx: click.Context, _param: click.Parameter, as_json: bool) -> bool:
    ctx.meta[_AS_JSON] = as_json
    return as_json


_json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    is_eager=True,
    callback=_note,
    help="Print one JSON object instead of text, also for an error.",
)
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


def _complete_runtime(_ctx: click.Context, _param: click.Parameter, typed: str) -> list[str]:
    from edge import runtimes

    return [name for name in runtimes.names() if name.startswith(typed)]


@main.command("info")
@_json_option
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
    _tell(as_json, seen, lambda: _info_text(seen))


@main.command("members")
@_family_option
@_json_option
def members(family: Path, as_json: bool) -> None:
    """List the members of a family.

    There is a table for every target that they were measured on.
    """
    from edge.family import Family

    manifest = Family.load(family).manifest
    content = {
        "targets": [_target_dict(target) for target in manifest.targets],
        "members": [member.model_dump(mode="json") for member in manifest.members],
    }
    _tell(as_json, content, lambda: _members_text(manifest))


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
@click.option(
    "--runtime",
    shell_complete=_complete_runtime,
    help="Runtime to pick for, where there are several.",
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
    runtime: str | None,
    target_id: str | None,
    family: Path,
    as_json: bool,
) -> None:
    """Name the most accurate member that fits a budget.

    Fits means proven: the upper bound of the percentile is within the budget.
    """
    from edge.command_line import again, target_option
    from edge.family import Family
    from edge.pick import NoFit, PickError, SeveralTargets, pick

    manifest = Family.load(family).manifest
    target = _find_target(manifest, target_id) if target_id else None
    try:
        chosen = pick(
            manifest, budget_ms, int(percentile), min_accuracy, target=target, runtime=runtime
        )
    except SeveralTargets as error:
        example = again(ctx, *target_option(error.targets))
        raise PickError(f"{error}; for example:\n  {example}") from error
    except NoFit as error:
        _fail(ctx, error, EXIT_NO_FIT, fastest=error.fastest, gap_ms=error.gap_ms)
    target_dict = _target_dict(chosen.latency.target)
    _tell(as_json, {**chosen.to_dict(), "target": target_dict}, lambda: _pick_text(chosen))


def _tell(as_json: bool, content: dict[str, Any], text: Callable[[], str]) -> None:
    click.echo(json.dumps(content, indent=2) if as_json else text())


def _fail(ctx: click.Context, error: EdgeError, code: int, **details: Any) -> NoReturn:
    if ctx.meta.get(_AS_JSON):
        answer = {"error": str(error), "kind": type(error).__name__, **details}
        click.echo(json.dumps(answer, indent=2))
    click.echo(f"error: {error}", err=True)
    ctx.exit(code)


def _find_target(manifest: Manifest, target_id: str) -> Target:
    for target in manifest.targets:
        if target.id == target_id:
            return target
    known = ", ".join(target.id for target in manifest.targets) or "none"
    raise click.BadParameter(f"no target {target_id!r}; there are: {known}", param_hint="--target")


def _target_dict(target: Target) -> dict[str, Any]:
    return {"id": target.id, **target.model_dump(mode="json")}


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


def _members_text(manifest: Manifest) -> str:
    if not manifest.targets:
        return f"Not measured yet.\n{members_table(manifest, None)}"
    return "\n\n".join(
        f"{fill(f'Target {target.id}: {target}')}\n{members_table(manifest, target)}"
        for target in manifest.targets
    )


def _pick_text(chosen: Pick) -> str:
    latency, artifact = chosen.latency, chosen.artifact
    stale = ": measure again" if chosen.stale else ""
    file = f"{artifact.path}, {artifact.size_bytes / 1000:.0f} kB" if artifact else "none"
    return facts(
        {
            "Member": chosen.name,
            "File": file,
            f"p{chosen.percentile}": f"<= {chosen.bound_ms:.3f} ms, {chosen.margin_ms:.3f} ms "
            f"below the budget of {chosen.budget_ms:g} ms",
            "Median": f"{chosen.median_ms:.3f} ms",
            "Accuracy": f"{chosen.member.holdout_accuracy:.2%} hold-out, "
            f"{chosen.member.test_accuracy:.2%} test",
            "Measured": f"{chosen.n} runs, {latency.verdict}, "
            f"{chosen.age_days:.0f} days ago{stale}",
            "Target": f"{latency.target.id}: {latency.target}",
            "Runner-up": chosen.runner_up or "no other member fits",
        }
    )
