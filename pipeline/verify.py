"""Stage `verify`: measure every member on every target, and hold it to its budget on the first.

What comes out is the family that is deployed: model files, and a manifest with latencies.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

import click

from edge import model_files
from edge.bench import Failure, Job, Protocol, measure
from edge.calibration import Calibration
from edge.errors import EdgeError
from edge.family import Family, Manifest, Member
from edge.files import write_atomic
from edge.packing import texts
from edge.record import Measurement, Target
from edge.text import fill, members_table
from pipeline import calibrate, confusion, export, gate, metrics, plots
from pipeline.card import card, card_path
from pipeline.drift import drift
from pipeline.params import Params, VerifyParams
from pipeline.progress import Progress
from pipeline.provenance import provenance
from pipeline.remote import BOARDS, LOCAL, Boards, Session
from pipeline.store import STORE, locked
from pipeline.target_names import short_name
from pipeline.targets import read_targets
from pipeline.verified import ByTarget, Verified, members_csv, merge, numbers, verify

FAMILY_FOLDER = Path("results/family")
FOLDER = Path("results/verify")
JOURNALS = STORE / "verify"
MAX_RUNS = 2000  # a block: seven of them bound p99 well, in a record of 100 kB

Results = list[Measurement | Failure]
ByName = Mapping[str, Measurement | Failure]  # of a member


class VerifyError(EdgeError, RuntimeError):
    """Members that could not be measured, or that a strict run does not accept."""


def run(
    params: Params,
    strict: bool = False,
    root: Path = Path(),
    measure: Callable[..., Results] = measure,
    boards: Boards = BOARDS,
) -> None:
    """Measure the members below `root`, write the family, and print it.

    Boards elsewhere get their orders before anything is measured here. Rejected files are neither
    measured nor deployed; a missed budget is a result. Raises VerifyError where there is nothing to
    measure; and, after everything is written, where a member would not run, or `strict` is set and
    one missed its budget. Raises RemoteError where a board has not answered, IntegrityError where a
    model file is not the one that was exported, and StaleTargets.
    """
    first, *others = targets = read_targets(params, root)
    family = Family.load(root / export.FOLDER)
    family.verify()
    calibration = _calibration(first, root)
    members, percentile = family.manifest.members, params.verify.percentile
    jobs = {
        t: [member_job(family, m, t) for m in members if m.rejected(t) is None] for t in targets
    }
    with locked("verify", root / STORE):
        records, forget = _measured(jobs, params, root, measure, boards)
        verified = {first: _verify(members, records[first], calibration, percentile)}
        for target in others:
            verified[target] = _verify(_without_budgets(members), records[target], None, percentile)
        manifest = _stamped(family.manifest, merge(verified), root)
        write_family(family, manifest, _cards(family, manifest, verified), root / FAMILY_FOLDER)
        write_results(verified, root)
        manifest.write(root / FAMILY_FOLDER.parent)  # Git keeps this copy; the folder is DVC's
        forget()
    _tell(manifest, verified)
    _judge(verified, strict)


def protocol(params: VerifyParams) -> Protocol:
    """How members are measured, and whatever is compared with them."""
    return Protocol(
        warmup_s=params.warmup_s, blocks=params.blocks, block_s=params.block_s, max_runs=MAX_RUNS
    )


def member_job(family: Family, member: Member, target: Target) -> Job:
    """The member's file for the target. Raises VerifyError where it has none."""
    artifact = member.artifact(target)
    if artifact is None:
        there = ", ".join(f"{a.precision} {a.format}" for a in member.artifacts) or "none"
        raise VerifyError(
            f"member {member.name!r} has no {target.precision} file for {target.runtime}; "
            f"there are: {there}; export again: dvc repro export"
        )
    return model_files.member_job(family, member, artifact)


def write_family(
    family: Family, manifest: Manifest, cards: Mapping[str, str], folder: Path
) -> None:
    """Fill `folder` anew: copies of the members' files, their `cards` by path, and the manifest
    last."""
    shutil.rmtree(folder, ignore_errors=True)  # a member that is gone is not deployed
    for path in (path for member in manifest.members for path in member.files):
        if path not in cards:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(family.folder / path, folder / path)
    for path, text in {**cards, **texts(manifest)}.items():
        write_atomic(folder / path, text)


def write_results(verified: ByTarget, root: Path) -> None:
    """The records, the metrics, and the table that DVC plots."""
    everything = [v for of_target in verified.values() for v in of_target]
    records = [v.record for v in everything if isinstance(v.record, Measurement)]
    write_atomic(root / FOLDER / "records.jsonl", "".join(m.to_json() + "\n" for m in records))
    write_atomic(root / plots.MEMBERS, members_csv(everything))
    metrics.write("verify", numbers(verified), root)


def _measured(
    jobs: Mapping[Target, Sequence[Job]],
    params: Params,
    root: Path,
    measure: Callable[..., Results],
    boards: Boards,
) -> tuple[dict[Target, ByName], Callable[[], None]]:
    """The results on every target, and what to call when they are safe."""
    devices = {t: asked.device for t, asked in zip(jobs, params.targets, strict=True)}
    elsewhere = [t for t, device in devices.items() if device != LOCAL and jobs[t]]
    how = protocol(params.verify)
    begun = boards.begin(
        [Session("verify", devices[t], t, jobs[t], how) for t in elsewhere], root, root / STORE
    )
    here = [target for target in jobs if target not in elsewhere and jobs[target]]
    found = {t: _measure(jobs[t], t, params.verify, root, measure) for t in here}
    found |= zip(elsewhere, begun.results(), strict=True)

    def forget() -> None:
        begun.forget()
        for target in here:
            _journal(target, root).unlink(missing_ok=True)

    return {target: _by_name(jobs[target], found.get(target, [])) for target in jobs}, forget


def _by_name(jobs: Sequence[Job], results: Results) -> ByName:
    return {job.subject.name: result for job, result in zip(jobs, results, strict=True)}


def _measure(
    jobs: Sequence[Job],
    target: Target,
    params: VerifyParams,
    root: Path,
    measure: Callable[..., Results],
) -> Results:
    """One interleaved session; a killed one goes on from its journal."""
    how = protocol(params)
    with Progress(target.runtime, len(jobs) * how.blocks) as progress:
        return measure(
            jobs,
            target,
            how,
            journal=_journal(target, root),
            progress=lambda done, _: progress.update(done),
        )


def _journal(target: Target, root: Path) -> Path:
    return root / JOURNALS / f"{target.id}.journal"


def _verify(
    members: Sequence[Member], records: ByName, calibration: Calibration | None, percentile: int
) -> list[Verified]:
    return [verify(m, records.get(m.name), calibration, percentile) for m in members]


def _without_budgets(members: Sequence[Member]) -> list[Member]:
    """Budgets are about the first target."""
    return [member.model_copy(update={"budget_ms": None}) for member in members]


def _calibration(target: Target, root: Path) -> Calibration:
    calibration = calibrate.read_calibration(root / calibrate.CALIBRATION_FILE)
    found = calibration.table.target
    if found != target:
        raise VerifyError(
            f"the calibration belongs to another target:\n  {found}\n  {target}\n"
            "profile this one: dvc repro calibrate"
        )
    return calibration


def _stamped(manifest: Manifest, members: Sequence[Member], root: Path) -> Manifest:
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    carded = tuple(m.model_copy(update={"card": card_path(m.name)}) for m in members)
    stamp = {"created": now, "members": carded, "provenance": provenance(root)}
    return manifest.model_copy(update=stamp)


def _cards(family: Family, manifest: Manifest, verified: ByTarget) -> dict[str, str]:
    """The model card of every member, by its path."""
    records: dict[str, list[Measurement]] = {}
    for v in (v for of_target in verified.values() for v in of_target):
        if isinstance(v.record, Measurement):
            records.setdefault(v.member.name, []).append(v.record)
    return {
        card_path(m.name): card(manifest, m, records.get(m.name, []), _confusions(family, m))
        for m in manifest.members
    }


def _confusions(family: Family, member: Member) -> confusion.Counts | None:
    if member.confusion is None:
        return None
    return confusion.from_csv((family.folder / member.confusion).read_text(encoding="utf-8"))


def _tell(manifest: Manifest, verified: ByTarget) -> None:
    for target, of_target in verified.items():
        click.echo(fill(f"Target {target.id}: {target}"))
        click.echo(members_table(manifest, target))
        for v in of_target:
            for remark in filter(None, (_rejection(v.member, target), v.doubt, v.miss)):
                click.echo(fill(remark, indent=2), err=True)
        found = drift(of_target)
        if found is not None and found.advice is not None:
            click.echo(fill(found.advice, indent=2), err=True)


def _rejection(member: Member, target: Target) -> str | None:
    rejected = member.rejected(target)
    original = rejected and gate.original_of(rejected, member.artifacts)
    if rejected is None or original is None:
        return None
    return f"{member.name} was not measured: {gate.verdict(rejected, original)}"


def _judge(verified: ByTarget, strict: bool) -> None:
    failures = [
        f"{v.record} (on {short_name(target, list(verified))})"
        for target, of_target in verified.items()
        for v in of_target
        if isinstance(v.record, Failure)
    ]
    misses = [v.miss for of_target in verified.values() for v in of_target if v.miss]
    if failures:
        raise VerifyError("\n  ".join(["members that would not run:", *failures]))
    if strict and misses:
        raise VerifyError("\n  ".join(["budgets that were missed:", *misses]))
