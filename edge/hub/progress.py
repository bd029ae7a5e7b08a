"""How far jobs are: what of them is measured, what failed, and whether that is all."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ScalarSelect, Select, delete, distinct, func, select
from sqlalchemy.orm import Session

from edge.hub import fleet
from edge.hub.hub import Hub
from edge.hub.tables import Identity, Job, JobFailure, JobModel, StoredRecord
from edge.hub_api import OrderStatus


def status(hub: Hub, session: Session, device: Identity, job: Job) -> OrderStatus:
    """As an operator is told."""
    models = select(func.count()).select_from(JobModel).where(JobModel.job_id == job.id)
    measured = select(func.count(distinct(StoredRecord.subject_id))).where(*_counts(job))
    return OrderStatus.model_validate(
        {
            "id": job.order_id,
            "device": device.name,
            "state": job.state,
            "models": session.scalar(models),
            "measured": session.scalar(measured),
            "failures": _failures(session, job),
            "device_state": fleet.state_of(hub, device),
            "last_seen": device.last_seen,
        }
    )


def refresh(session: Session, job: Job) -> None:
    """A job that was not cancelled is done when nothing of it is left to measure."""
    if job.state == "cancelled":
        return
    session.flush()
    failed = select(JobFailure.sha256).where(JobFailure.job_id == job.id)
    left = select(_unmeasured(job).where(JobModel.sha256.not_in(failed)).exists())
    job.state = "open" if session.scalar(left) else "done"


def refresh_all(session: Session, device_id: int) -> None:
    """Judge all jobs of a device anew: records of it were excluded."""
    for job in session.scalars(select(Job).where(Job.identity_id == device_id)):
        refresh(session, job)


def incomplete(session: Session, job: Job) -> bool:
    """Whether a model has no record that counts: it is still to measure, or failed."""
    return bool(session.scalar(select(_unmeasured(job).exists())))


def forget_failures(session: Session, job: Job) -> None:
    """Let the device try again: what was wrong with it may have been put right."""
    session.execute(delete(JobFailure).where(JobFailure.job_id == job.id))


def _failures(session: Session, job: Job) -> list[dict[str, Any]]:
    """Of the models that nobody could measure; those that succeeded in the end are left out."""
    query = select(JobFailure).where(
        JobFailure.job_id == job.id, JobFailure.sha256.in_(_unmeasured(job))
    )
    return [
        {"sha256": failure.sha256, "kind": failure.kind, "detail": failure.detail}
        for failure in session.scalars(query.order_by(JobFailure.sha256))
    ]


def _unmeasured(job: Job) -> Select[Any]:
    """The files of models without a record that counts."""
    measured: ScalarSelect[str] = (
        select(StoredRecord.subject_id).where(*_counts(job)).scalar_subquery()
    )
    return select(JobModel.sha256).where(
        JobModel.job_id == job.id, JobModel.subject_id.not_in(measured)
    )


def _counts(job: Job) -> tuple[Any, Any]:
    return StoredRecord.job_id == job.id, StoredRecord.excluded.is_(None)
