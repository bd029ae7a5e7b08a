"""`facet members` and `facet pick`: what a family holds, and which member fits a budget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge.commands.shared import (
    EXIT_NO_FIT,
    complete_runtime,
    fail,
    family_option,
    json_option,
    positive,
    target_dict,
    tell,
)
from edge.text import facts, fill, members_table

if TYPE_CHECKING:
    from edge.family import Manifest
    from edge.pick import Pick
    from edge.record import Target


@click.command("members")
@family_option
@json_option
def members(family: Path, as_json: bool) -> None:
    """List the members of a family.

    There is a table for every target that they were measured on.
    """
    from edge.family import Family

    manifest = Family.load(family).manifest
    content = {
        "targets": [target_dict(target) for target in manifest.targets],
        "members": [member.model_dump(mode="json") for member in manifest.members],
    }
    tell(as_json, content, lambda: _members_text(manifest))


@click.command("pick")
@click.option(
    "--budget-ms",
    type=float,
    required=True,
    callback=positive,
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
    shell_complete=complete_runtime,
    help="Runtime to pick for, where there are several.",
)
@click.option("--target", "target_id", help="Target to pick for, where there are several.")
@family_option
@json_option
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
        fail(ctx, error, EXIT_NO_FIT, fastest=error.fastest, gap_ms=error.gap_ms)
    found = {**chosen.to_dict(), "target": target_dict(chosen.latency.target)}
    tell(as_json, found, lambda: _pick_text(chosen))


def _find_target(manifest: Manifest, target_id: str) -> Target:
    for target in manifest.targets:
        if target.id == target_id:
            return target
    known = ", ".join(target.id for target in manifest.targets) or "none"
    raise click.BadParameter(f"no target {target_id!r}; there are: {known}", param_hint="--target")


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
