"""Reports: kept once, answered always; and the records they brought, by arrival."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from edge.errors import first_problem
from edge.hub import checks, fleet
from edge.hub.callers import Caller, holder
from edge.hub.checks import Checked, Ordered, Sorted
from edge.hub.errors import Malformed, Unknown
from edge.hub.hub import Hub
from edge.hub.jobs import batches
from edge.hub.progress import refresh
from edge.hub.tables import (
    Identity,
    Job,
    JobFailure,
    JobModel,
    StoredRecord,
    StoredReport,
    StoredTarget,
)
from edge.hub_api import IDEMPOTENCY_HEADER, Excluded, Report, ReportAnswer, without_nul
from edge.orders import FailedModel
from edge.record import Target

_MAX_NESTED = 300_000  # lists and objects of a report: 2000 records with 101 blocks and 40 rows
MAX_PAGE_BYTES = 32 << 20  # of records in one answer, but for the first


@dataclass(frozen=True)
class Page:
    """The records that came in after `after`: `limit` of them at most, of one order or device
    where that is given."""

    after: int
    limit: int
    device: str | None = None
    order: str | None = None


def accept(hub: Hub, caller: Caller, body: bytes, key: str) -> ReportAnswer:
    """Keep what the report brings, on the disk before it returns. A repeat brings no more, but that
    a model failed counts again: it was ordered anew, and nothing tells two equal failures apart.

    Raises Malformed where it is no report, was altered on its way, or is of no order of the
    device; NotAllowed or NoToken where its token is good no more.
    """
    report, report_id = _parse(body)
    if key != report_id:
        raise Malformed(
            f"the {IDEMPOTENCY_HEADER} is not the sha256 of the report, {report_id}: it was "
            "altered on its way, or written by another version"
        )
    with hub.store.reading() as session:
        if not report.failures and (answer := _known(session, report_id)) is not None:
            return answer
        ordered = _ordered(session, caller.id, report.order) if report.order else None
        device = session.get_one(Identity, caller.id).device
    if device is None and report.records:
        device = fleet.device_of(hub, caller, report.records[0].target.device)
    found = checks.check(report.records, report.failures, device, ordered)
    with hub.store.writing() as session:
        identity = holder(session, caller)
        answer = _known(session, report_id) or _keep(
            hub, session, identity, report_id, report.boot_id, found, ordered
        )
        if ordered is not None and not identity.quarantined:
            _add_failures(session, ordered.job_id, found)
            refresh(session, session.get_one(Job, ordered.job_id))
        return answer


def records_after(hub: Hub, page: Page) -> str:
    """`Records` as JSON, in the order of arrival, without those that are excluded.
    Raises Unknown."""
    query = select(StoredRecord.arrival, StoredRecord.content).order_by(StoredRecord.arrival)
    query = query.where(StoredRecord.arrival > page.after, StoredRecord.excluded.is_(None))
    with hub.store.reading() as session:
        if page.device is not None:
            device = fleet.device_named(session, page.device)
            query = query.where(StoredRecord.identity_id == device.id)
        if page.order is not None:
            jobs = session.scalars(select(Job.id).where(Job.order_id == page.order)).all()
            if not jobs:
                raise Unknown(f"there is no order {page.order}")
            query = query.where(StoredRecord.job_id.in_(jobs))
        contents: list[str] = []
        last, size_bytes = None, 0
        for arrival, content in session.execute(
            query.limit(page.limit).execution_options(yield_per=20)
        ):
            size_bytes += len(content)
            if contents and size_bytes > MAX_PAGE_BYTES:
                break
            contents.append(content)
            last = arrival
    return f'{{"next":{json.dumps(last)},"records":[{",".join(contents)}]}}'


def excluded_after(hub: Hub, after: int, limit: int) -> Excluded:
    """Those among the records behind the arrival number `after`, `limit` at most."""
    query = (
        select(StoredRecord.arrival, StoredRecord.record_id)
        .where(StoredRecord.arrival > after, StoredRecord.excluded.is_not(None))
        .order_by(StoredRecord.arrival)
        .limit(limit)
    )
    with hub.store.reading() as session:
        rows = session.execute(query).all()
    return Excluded(ids=tuple(id_ for _, id_ in rows), next=rows[-1][0] if rows else None)


def _parse(body: bytes) -> tuple[Report, str]:
    # Each takes a hundred times the memory of its two brackets.
    if body.count(b"[") + body.count(b"{") > _MAX_NESTED:
        raise Malformed(f"not a report: more than {_MAX_NESTED} lists and objects")
    try:
        report = Report.model_validate_json(body)
        return report, report.id
    except ValidationError as error:
        raise Malformed(f"not a report: {first_problem(error, 'report')}") from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, deep nesting
        raise Malformed(f"not a report: {error}") from error


def _known(session: Session, report_id: str) -> ReportAnswer | None:
    stored = session.scalar(select(StoredReport).where(StoredReport.report_id == report_id))
    if stored is None:
        return None
    return ReportAnswer(
        id=report_id, new=0, known=stored.accepted, refused=tuple(json.loads(stored.refused))
    )


def _ordered(session: Session, device_id: int, order_id: str) -> Ordered:
    query = select(Job).where(Job.identity_id == device_id, Job.order_id == order_id)
    job = session.scalar(query)
    if job is None:
        raise Malformed(f"the order {order_id} is none of this device")
    models = session.execute(
        select(JobModel.subject_id, JobModel.sha256).where(JobModel.job_id == job.id)
    ).all()
    return Ordered(
        job_id=job.id,
        runtime=job.runtime,
        precision=job.precision,
        threads=job.threads,
        subjects={subject for subject, _ in models},
        files={sha256 for _, sha256 in models},
    )


def _keep(
    hub: Hub,
    session: Session,
    device: Identity,
    report_id: str,
    boot_id: str | None,
    found: Sorted,
    ordered: Ordered | None,
) -> ReportAnswer:
    stored = StoredReport(
        report_id=report_id,
        identity_id=device.id,
        job_id=ordered and ordered.job_id,
        boot_id=boot_id,
        arrived_at=hub.now(),
        accepted=len(found.records),
        refused=json.dumps(found.refused),
    )
    session.add(stored)
    session.flush()
    new = _new(session, found)
    _add_targets(session, {c.record.target.id: c.record.target for c in new})
    excluded = "quarantined" if device.quarantined else None
    session.add_all(_row(checked, stored, excluded) for checked in new)
    return ReportAnswer(
        id=report_id,
        new=len(new),
        known=len(found.records) - len(new),
        refused=found.refused,
    )


def _new(session: Session, found: Sorted) -> list[Checked]:
    """Those that are not here yet, each once."""
    by_id = {checked.record_id: checked for checked in found.records}
    for part in batches(list(by_id)):
        query = select(StoredRecord.record_id).where(StoredRecord.record_id.in_(part))
        for record_id in session.scalars(query):
            del by_id[record_id]
    return list(by_id.values())


def _row(checked: Checked, report: StoredReport, excluded: str | None) -> StoredRecord:
    return StoredRecord(
        record_id=checked.record_id,
        report_id=report.id,
        identity_id=report.identity_id,
        job_id=report.job_id,
        subject_id=checked.subject_id,
        subject=checked.subject,
        target_id=checked.record.target.id,
        median_ms=checked.median_ms,
        verdict=checked.record.verdict,
        simulated=checked.simulated,
        excluded=excluded,
        content=checked.content,
    )


def _add_targets(session: Session, targets: dict[str, Target]) -> None:
    for id_, target in targets.items():
        if session.get(StoredTarget, id_) is None:
            session.add(StoredTarget(id=id_, content=target.model_dump_json()))
    session.flush()  # records refer to them


def _add_failures(session: Session, job_id: int, found: Sorted) -> None:
    failures: dict[str, FailedModel] = {}
    for failure in found.failures:
        failures.setdefault(failure.sha256, failure)
    for sha256, failure in failures.items():
        if session.get(JobFailure, (job_id, sha256)) is None:
            detail = without_nul(failure.detail)
            session.add(JobFailure(job_id=job_id, sha256=sha256, kind=failure.kind, detail=detail))
