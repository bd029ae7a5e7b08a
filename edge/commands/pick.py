"""`facet pick`: which member fits a budget, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.commands.pick_text import explanation_text, pick_text, table_text
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
from edge.text import fill

if TYPE_CHECKING:
    from edge.candidates import Candidate
    from edge.manifest import Manifest
    from edge.pick import Fallback, Question
    from edge.record import Target

_MEANT = "name it with --device if you mean it, or measure here (facet family add-latencies --help)"


def _positive(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    return None if value is None else positive(ctx, param, value)


@click.command("pick")
@click.option("--budget-ms", type=float, callback=_positive, help="What one inference may take.")
@click.option(
    "--percentile",
    type=click.Choice(["90", "95", "99"]),
    default="95",
    show_default=True,
    help="Share of the inferences that must stay within the budget.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="How sure the bound of that percentile must be.",
)
@click.option(
    "--min-accuracy", type=click.FloatRange(0, 1), help="Least hold-out accuracy, 0 to 1."
)
@click.option(
    "--runtime",
    shell_complete=complete_runtime,
    help="Runtime to pick for, where there are several.",
)
@click.option(
    "--precision", help="Precision to pick for, where there are several: fp32, int8 or fp16."
)
@click.option("--target", "target_id", help="Target to pick for, where there are several.")
@click.option(
    "--device",
    help="Device to pick for, a part of its name: its runtimes and precisions rank together.",
)
@click.option(
    "--fallback",
    type=click.Choice(["fastest"]),
    help="Where nothing fits, name that member instead of exiting with 3.",
)
@click.option("--explain", "explained", is_flag=True, help="Say of every member why, or why not.")
@click.option(
    "--table", "as_table", is_flag=True, help="List which budgets buy what, instead of one pick."
)
@family_option
@json_option
@click.pass_context
def pick_member(
    ctx: click.Context,
    budget_ms: float | None,
    percentile: str,
    confidence: float,
    min_accuracy: float | None,
    runtime: str | None,
    precision: str | None,
    target_id: str | None,
    device: str | None,
    fallback: Fallback | None,
    explained: bool,
    as_table: bool,
    family: Path,
    as_json: bool,
) -> None:
    """Name the most accurate member that fits a budget.

    Fits means that the upper bound of the percentile is within the budget.
    """
    from edge.family import Family
    from edge.here import elsewhere
    from edge.pick import Question

    if (budget_ms is None) != as_table:
        raise click.UsageError("give either --budget-ms or --table")
    question = Question(budget_ms or float("inf"), int(percentile), confidence, min_accuracy)
    manifest = Family.load(family).manifest
    targets = _targets(ctx, manifest, target_id, runtime, device, precision)
    doubt = next(filter(None, map(elsewhere, targets)), None)
    if doubt and not (target_id or device):
        click.echo(fill(f"{doubt}: {_MEANT}", indent=2), err=True)
    where = {"measured_here": bool(targets) and doubt is None}
    if as_table:
        _tell_table(manifest, question, targets, as_json, where)
    else:
        _tell_pick(ctx, manifest, question, targets, fallback, explained, as_json, where)


def _targets(
    ctx: click.Context,
    manifest: Manifest,
    target_id: str | None,
    runtime: str | None,
    device: str | None,
    precision: str | None,
) -> list[Target]:
    from edge.command_line import again, target_option
    from edge.selection import PickError, SeveralTargets, selected

    target = _find_target(manifest, target_id) if target_id else None
    try:
        return selected(manifest, target, runtime, device, precision)
    except SeveralTargets as error:
        example = again(ctx, *target_option(error.targets))
        raise PickError(f"{error}; for example:\n  {example}") from error


def _find_target(manifest: Manifest, target_id: str) -> Target:
    for target in manifest.targets:
        if target.id == target_id:
            return target
    known = ", ".join(target.id for target in manifest.targets) or "none"
    raise click.BadParameter(f"no target {target_id!r}; there are: {known}", param_hint="--target")


def _tell_pick(
    ctx: click.Context,
    manifest: Manifest,
    question: Question,
    targets: list[Target],
    fallback: Fallback | None,
    explained: bool,
    as_json: bool,
    where: dict[str, bool],
) -> None:
    from edge.explanation import explain
    from edge.pick import NoFit, judge, standing

    ranked = standing(manifest, question, targets)
    chosen, no_fit = None, None
    try:
        chosen = judge(ranked, question, fallback)
    except NoFit as error:
        no_fit = error
    lines = explain(manifest, ranked, targets, question, chosen) if explained else []
    details: dict[str, Any] = dict(where)
    if lines:
        details["explanation"] = [line.to_dict() for line in lines]
    if chosen is not None:
        found = {**chosen.to_dict(), "target": target_dict(chosen.target), **details}
        tell(as_json, found, lambda: pick_text(chosen, lines))
    if no_fit is not None:
        if lines and not as_json:
            click.echo(explanation_text(lines), err=True)
        fail(ctx, no_fit, EXIT_NO_FIT, fastest=no_fit.fastest, gap_ms=no_fit.gap_ms, **details)


def _tell_table(
    manifest: Manifest,
    question: Question,
    targets: list[Target],
    as_json: bool,
    where: dict[str, bool],
) -> None:
    from edge.no_fit import no_fit
    from edge.pick import frontier, standing

    ranked = standing(manifest, question, targets)
    rungs = frontier([candidate for candidate in ranked if question.accurate(candidate)])
    content = {
        "percentile": question.percentile,
        "confidence": question.confidence,
        "targets": [target_dict(target) for target in targets],
        **where,
        "budgets": [_rung_dict(rung) for rung in rungs],
    }
    tell(as_json, content, lambda: table_text(rungs) if rungs else f"{no_fit(ranked, question)}.")


def _rung_dict(rung: Candidate) -> dict[str, Any]:
    artifact = rung.member.artifact(rung.latency.target)
    return {
        "budget_ms": rung.bound_ms,
        "name": rung.member.name,
        "artifact": artifact.path if artifact else None,
        "target": rung.latency.target.id,
        "holdout_accuracy": rung.member.holdout_accuracy,
        "test_accuracy": rung.member.test_accuracy,
        "median_ms": rung.median_ms,
        "evidence": rung.evidence,
    }
