"""`facet feedback`: what devices measured comes back, is judged, and is asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from edge.commands.feedback_text import (
    added_text,
    plan_text,
    pull_refusals,
    pulled_text,
    refusals,
    standing_text,
)
from edge.commands.hub_access import access_options
from edge.commands.shared import (
    EXIT_ERROR,
    EXIT_PARTLY,
    Command,
    json_option,
    positive,
    remark,
    tell,
    with_options,
)

if TYPE_CHECKING:
    from edge.calibration import Calibration
    from edge.feedback.evidence import Evidence
    from edge.feedback.intake import Intake
    from edge.feedback.suggest import Suggestion
    from edge.networks import Accept

_ARCHITECTURES = Path("results/extract/architectures.json")


@click.group("feedback")
def feedback() -> None:
    """Use what devices have measured.

    Records of networks that were measured elsewhere, or later, correct the latency table.
    """


_folder_option = click.option(
    "--measurements",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("measurements"),
    show_default=True,
    help="Folder of the records that came back.",
)


def _evidence_options(command: Command) -> Command:
    """Where the records lie, and the parameters of `calibrate`."""
    options = (
        click.option(
            "--profile",
            type=click.Path(path_type=Path, file_okay=False),
            default=Path("results/profile"),
            show_default=True,
            help="Folder of the latency table.",
        ),
        _folder_option,
        click.option(
            "--confidence",
            type=click.FloatRange(0, 1, min_open=True, max_open=True),
            default=0.9,
            show_default=True,
            help="Of an interval, as in calibrate.confidence.",
        ),
        click.option(
            "--half-life-days",
            type=float,
            default=180.0,
            show_default=True,
            callback=positive,
            help="Of a record's weight, as in calibrate.half_life_days.",
        ),
        click.option(
            "--accept",
            type=click.Choice(["usable", "suspect", "auto"]),
            default="auto",
            show_default=True,
            help="Records that count, as in calibrate.accept.",
        ),
    )
    return with_options(command, options)


@feedback.command("add")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@_folder_option
@json_option
@click.pass_context
def add(ctx: click.Context, files: Sequence[Path], folder: Path, as_json: bool) -> None:
    """File the records of FILES, JSON lines, for the next `dvc repro`.

    Records that are there already are left out, and those that cannot be true are refused, each
    with its reason. Exit code 4: some were refused, the others are filed; 1: all were refused.
    """
    from edge.feedback import intake

    results = intake.add(files, folder)
    sums = {name: sum(getattr(i, name) for i in results) for name in ("added", "known")}
    refused = sum(len(i.refused) for i in results)
    content = {**sums, "refused": refused, "files": [_intake_dict(i) for i in results]}
    tell(as_json, content, lambda: added_text(results))
    for text in refusals(results):
        remark(text)
    if refused:
        ctx.exit(EXIT_PARTLY if any(sums.values()) else EXIT_ERROR)


@feedback.command("pull")
@access_options
@click.option("--anew", is_flag=True, help="Read all that the hub has, not only what is new.")
@_folder_option
@json_option
@click.pass_context
def pull(ctx: click.Context, /, folder: Path, anew: bool, as_json: bool, **where: Any) -> None:
    """File the networks that boards measured for a hub, for the next `dvc repro`.

    What was read is remembered in the folder, in .pulled.json. Exit code 4: some records were
    refused, the others are filed; 1: all were refused, or an error.
    """
    from edge.feedback.pull import pull as pull_from
    from edge.hub_access import HubAccess

    with HubAccess(**where).open() as hub:
        found = pull_from(hub, folder, anew=anew)
    content = {
        **{name: getattr(found, name) for name in ("added", "known", "others", "withdrawn")},
        "refused": [{"record": r.line, "reason": r.reason} for r in found.refused],
        "filed": [str(path) for path in found.filed],
    }
    tell(as_json, content, lambda: pulled_text(found))
    for text in pull_refusals(found):
        remark(text)
    if found.refused:
        ctx.exit(EXIT_PARTLY if found.added or found.known else EXIT_ERROR)


@feedback.command("status")
@_evidence_options
@json_option
def status(as_json: bool, **where: Any) -> None:
    """Say what the records of every target are worth.

    How well the table and its calibration predict, whether intervals hold, and whether
    operations cost so much else than the search believed that a new one is worth it.
    """
    from edge.feedback.status import standings

    evidence, calibration = _calibrate(**where)
    found = standings(evidence, calibration)
    content = {"targets": [standing.to_dict() for standing in found]}
    tell(as_json, content, lambda: "\n\n".join(map(standing_text, found)))


@feedback.command("suggest")
@click.option("-n", "--number", type=click.IntRange(1, 1000), default=10, show_default=True)
@click.option(
    "--budget-ms",
    "budgets_ms",
    type=float,
    multiple=True,
    callback=lambda ctx, param, values: tuple(positive(ctx, param, value) for value in values),
    help="Predictions near this p95 matter; may be repeated. Without it all do.",
)
@click.option(
    "--members",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"Networks to choose from besides random ones.  [default: {_ARCHITECTURES}, if it exists]",
)
@click.option(
    "--random",
    "drawn",
    type=click.IntRange(0, 100_000),
    default=1000,
    show_default=True,
    help="Random networks to choose from.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the networks to this file, as in architectures.json.",
)
@_evidence_options
@json_option
def suggest(
    number: int,
    budgets_ms: tuple[float, ...],
    members: Path | None,
    drawn: int,
    seed: int,
    out: Path | None,
    as_json: bool,
    **where: Any,
) -> None:
    """Name the networks whose measurement would tell most about all others.

    They are chosen from the members of the family and from random networks of the table's blocks.
    """
    from edge.feedback import candidates
    from edge.feedback.suggest import suggest as choose
    from edge.files import write_atomic

    evidence, calibration = _calibrate(**where)
    path = members or (_ARCHITECTURES if _ARCHITECTURES.exists() else None)
    pool = [
        *(candidates.of_file(path) if path else []),
        *candidates.drawn(evidence.table, evidence.session, drawn, seed),
    ]
    plan = choose(calibration, pool, number, budgets_ms)
    networks = [_suggestion_dict(n, s) for n, s in enumerate(plan.suggestions, 1)]
    if out:
        rows = [{key: network[key] for key in ("name", "architecture")} for network in networks]
        write_atomic(out, json.dumps({"members": rows}, indent=1) + "\n")
    doubts = {"doubt_percent": plan.doubt_percent, "noise_percent": plan.noise_percent}
    tell(as_json, {**doubts, "suggestions": networks}, lambda: plan_text(plan))


def _calibrate(
    profile: Path, folder: Path, confidence: float, half_life_days: float, accept: str
) -> tuple[Evidence, Calibration]:
    from edge.feedback.evidence import Evidence

    evidence = Evidence.read(profile, folder)
    return evidence, evidence.calibrate(confidence, half_life_days, cast("Accept", accept))


def _intake_dict(intake: Intake) -> dict[str, Any]:
    return {
        "file": str(intake.source),
        "added": intake.added,
        "known": intake.known,
        "refused": [{"line": r.line, "reason": r.reason} for r in intake.refused],
        "filed": str(intake.filed) if intake.filed else None,
    }


def _suggestion_dict(number: int, suggestion: Suggestion) -> dict[str, Any]:
    candidate, prediction = suggestion.candidate, suggestion.prediction
    return {
        "name": candidate.name or f"suggested-{number:02d}",
        "architecture": candidate.architecture.to_dict(),
        "predicted_ms": prediction.mean_ms,
        "predicted_lo_ms": prediction.lo_ms,
        "predicted_hi_ms": prediction.hi_ms,
        "doubt_percent": suggestion.doubt_percent,
    }
