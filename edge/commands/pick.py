"""`facet pick`: which member fits a budget, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
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
    remark,
    target_dict,
    tell,
)
from edge.text import message

if TYPE_CHECKING:
    from edge.candidates import Candidate
    from edge.manifest import Manifest
    from edge.pick import Fallback, Question
    from edge.record import Target

_MEASURE = "or measure here (facet family add-latencies --help)"
_MEANT = f"name it with --device if you mean it, {_MEASURE}"


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
    help="How sure the bound of that percentile must be; up to 0.99 is kept of a measurement.",
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
    from edge.pick import Question, standing

    if (budget_ms is None) != as_table:
        raise click.UsageError("give either --budget-ms or --table")
    question = Question(budget_ms or float("inf"), int(percentile), confidence, min_accuracy)
    manifest = Family.load(family).manifest
    targets, doubts = _targets(ctx, manifest, target_id, runtime, device, precision)
    away = next(filter(None, map(elsewhere, targets)), None)
    if away and not (target_id or device):
        remark(f"{away}: {_MEANT}")
    for text in [] if away else _not_installed(targets):
        remark(text)
    where = {"measured_here": bool(targets) and away is None}
    ranked = standing(manifest, question, targets, doubts)
    if as_table:
        _tell_table(ranked, question, targets, as_json, where)
    else:
        _tell_pick(ctx, manifest, question, ranked, targets, fallback, explained, as_json, where)


def _targets(
    ctx: click.Context,
    manifest: Manifest,
    target_id: str | None,
    runtime: str | None,
    device: str | None,
    precision: str | None,
) -> tuple[list[Target], Mapping[Target, str]]:
    """What to rank, and doubts about it: what was named, or else what this machine can run, as
    `Family.pick` does. What was measured elsewhere only is asked about where it is several."""
    from edge.command_line import again, target_option
    from edge.here import NotMeasuredHere, elsewhere, targets_here
    from edge.runtimes import MissingRuntime, UnknownRuntime
    from edge.selection import PickError, SeveralTargets, selected

    named = bool(target_id or device)
    target = _find_target(manifest, target_id) if target_id else None
    try:
        if not named:
            with suppress(NotMeasuredHere, MissingRuntime, UnknownRuntime):
                return targets_here(manifest, runtime, precision=precision)
        return selected(manifest, target, runtime, device, precision), {}
    except SeveralTargets as error:
        example = again(ctx, *target_option(error.targets))
        way = f", {_MEASURE}" if all(map(elsewhere, error.targets)) else ""
        raise PickError(f"{error}{way}; for example:\n  {example}") from error


def _not_installed(targets: Sequence[Target]) -> Iterator[str]:
    """What runs these targets of this machine, and is not installed here."""
    from edge.runtimes import MissingRuntime, UnknownRuntime, get_runtime

    for runtime in sorted({target.runtime for target in targets}):
        try:
            get_runtime(runtime).version()
        except (MissingRuntime, UnknownRuntime) as error:
            yield f"{error}; until then no member that it would run can be used here"


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
    ranked: list[Candidate],
    targets: list[Target],
    fallback: Fallback | None,
    explained: bool,
    as_json: bool,
    where: dict[str, bool],
) -> None:
    from edge.explanation import explain
    from edge.pick import NoFit, judge

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
    ranked: list[Candidate],
    question: Question,
    targets: list[Target],
    as_json: bool,
    where: dict[str, bool],
) -> None:
    from edge.no_fit import no_fit
    from edge.pick import frontier

    rungs = frontier([candidate for candidate in ranked if question.accurate(candidate)])
    content = {
        "percentile": question.percentile,
        "confidence": question.confidence,
        "targets": [target_dict(target) for target in targets],
        **where,
        "budgets": [_rung_dict(rung) for rung in rungs],
    }
    tell(
        as_json,
        content,
        lambda: table_text(rungs) if rungs else message(str(no_fit(ranked, question))),
    )


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
