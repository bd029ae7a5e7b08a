"""Stage `verify`: measure every member on the target, and hold it to its budget.

What comes out is the family that is deployed: model files, and a manifest with latencies.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path

import click

from edge.bench import Failure, Job, Protocol, measure
from edge.calibration import Calibration
from edge.errors import EdgeError
from edge.family import Family, Manifest, Member
from edge.files import write_atomic
from edge.record import Measurement, Subject, Target
from edge.text import fill, members_table
from pipeline import calibrate, export, metrics
from pipeline.check import read_target
from pipeline.params import Params, VerifyParams
from pipeline.progress import Progress
from pipeline.store import STORE, locked
from pipeline.verified import Verified, members_csv, numbers, verify

FAMILY_FOLDER = Path("results/family")
FOLDER = Path("results/verify")
JOURNAL = STORE / "verify" / "journal.jsonl"
MAX_RUNS = 2000  # a block: seven of them bound p99 well, in a record of 100 kB

Results = list[Measurement | Failure]


class VerifyError(EdgeError, RuntimeError):
    """Members that could not be measured, or that a strict run does not accept."""


def run(
    params: Params,
    strict: bool = False,
    root: Path = Path(),
    measure: Callable[..., Results] = measure,
) -> None:
    """Measure the members below `root`, write the family, and print it.

    A missed budget is a result. Raises VerifyError where there is nothing to measure; and, after
    everything is written, where a member would not run, or `strict` is set and one missed its
    budget. Raises IntegrityError where a model file is not the one that was exported.
    """
    target = read_target(root)
    family = Family.load(root / export.FOLDER)
    family.verify()
    calibration = _calibration(target, root)
    jobs = [member_job(family, member, target) for member in family.manifest.members]
    how = protocol(params.verify)
    progress = Progress("verify", len(jobs) * how.blocks)
    with locked("verify", root / STORE), progress:
        records = measure(
            jobs,
            target,
            how,
            journal=root / JOURNAL,
            progress=lambda done, _: progress.update(done),
        )
    verified = [
        verify(member, record, calibration, params.verify.percentile)
        for member, record in zip(family.manifest.members, records, strict=True)
    ]
    manifest = _stamped(family.manifest, verified)
    write_family(family, manifest, root / FAMILY_FOLDER)
    write_results(verified, root / FOLDER)
    _tell(manifest, target, verified)
    _judge(verified, strict)


def protocol(params: VerifyParams) -> Protocol:
    """How members are measured, and whatever is compared with them."""
    return Protocol(
        warmup_s=params.warmup_s, blocks=params.blocks, block_s=params.block_s, max_runs=MAX_RUNS
    )


def member_job(family: Family, member: Member, target: Target) -> Job:
    """The member's file of the target's precision. Raises VerifyError where it has none."""
    artifact = member.artifact(target)
    if artifact is None:
        there = ", ".join(a.precision for a in member.artifacts) or "none"
        raise VerifyError(
            f"member {member.name!r} has no {target.precision} file; there are: {there}; "
            "set target.precision to one of them"
        )
    subject = Subject(
        kind="network",
        name=member.name,
        sha256=artifact.sha256,
        role="member",
        architecture=member.architecture,
    )
    return Job(subject, family.path(artifact))


def write_family(family: Family, manifest: Manifest, folder: Path) -> None:
    """Fill `folder` anew: copies of the model files, and the manifest last."""
    shutil.rmtree(folder, ignore_errors=True)  # a member that is gone is not deployed
    for member in manifest.members:
        for artifact in member.artifacts:
            copy = folder / artifact.path
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(family.path(artifact), copy)
    manifest.write(folder)


def write_results(verified: Sequence[Verified], folder: Path) -> None:
    """The records, the metrics, and the table that DVC plots."""
    records = [v.record for v in verified if isinstance(v.record, Measurement)]
    write_atomic(folder / "records.jsonl", "".join(m.to_json() + "\n" for m in records))
    write_atomic(folder / "members.csv", members_csv(verified))
    metrics.write(folder, numbers(verified))


def _calibration(target: Target, root: Path) -> Calibration:
    calibration = calibrate.read_calibration(root / calibrate.CALIBRATION_FILE)
    found = calibration.table.target
    if found != target:
        raise VerifyError(
            f"the calibration belongs to another target:\n  {found}\n  {target}\n"
            "profile this one: dvc repro calibrate"
        )
    return calibration


def _stamped(manifest: Manifest, verified: Sequence[Verified]) -> Manifest:
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    members = tuple(v.member for v in verified)
    return manifest.model_copy(update={"created": now, "members": members})


def _tell(manifest: Manifest, target: Target, verified: Sequence[Verified]) -> None:
    click.echo(fill(f"Target {target.id}: {target}"))
    click.echo(members_table(manifest, target))
    for v in verified:
        for remark in filter(None, (v.doubt, v.miss)):
            click.echo(fill(remark, indent=2), err=True)


def _judge(verified: Sequence[Verified], strict: bool) -> None:
    failures = [str(v.record) for v in verified if isinstance(v.record, Failure)]
    misses = [v.miss for v in verified if v.miss is not None]
    if failures:
        raise VerifyError("\n  ".join(["members that would not run:", *failures]))
    if strict and misses:
        raise VerifyError("\n  ".join(["budgets that were missed:", *misses]))
