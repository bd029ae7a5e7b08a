"""Jobs: an order for a device, until each of its models has a record or a failure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from edge.hub import callers, fleet, progress
from edge.hub.callers import Caller
from edge.hub.errors import Conflict, Malformed, Unknown
from edge.hub.hub import Hub
from edge.hub.subjects import subject_id, subject_text
from edge.hub.tables import Identity, Job, JobModel, ModelFile
from edge.hub_api import MAX_OPEN_ORDERS, OrderRequest, OrderStatus
from edge.orders import MAX_ORDER_BYTES, Order


def submit(hub: Hub, caller: Caller, request: OrderRequest) -> OrderStatus:
    """Give the order to the device; the same one again is the same job, open again where it was
    cancelled, also for what failed before.

    Raises Unknown, Conflict, Malformed, NotAllowed or NoToken.
    """
    subjects = _subjects(request.order)
    with hub.store.writing() as session:
        callers.holder(session, caller)
        device = fleet.device_named(session, request.device)
        if device.revoked_at:
            raise Conflict(
                f"the token of {device.name} was revoked: facet hub add-device {device.name} "
                "--rotate gives it another"
            )
        _check_files(hub, session, request.order)
        job = _find(session, device, request.order.id)
        if job is None:
            job = _add(session, device, request.order, hub.now())
            rows = (JobModel(job_id=job.id, subject_id=i, sha256=s) for i, s in subjects.items())
            session.add_all(rows)
        elif job.state == "cancelled":
            job.state = "open"
            progress.forget_failures(session, job)
        progress.refresh(session, job)
        return progress.status(hub, session, device, job)


def status(hub: Hub, device_name: str, order_id: str) -> OrderStatus:
    """How far the device is with an order. Raises Unknown."""
    with hub.store.reading() as session:
        device = fleet.device_named(session, device_name)
        return progress.status(hub, session, device, _get(session, device, order_id))


def cancel(hub: Hub, device_name: str, order_id: str) -> OrderStatus:
    """Ask no more for what is still to measure, and let what failed be ordered again; records
    that come in still count. Raises Unknown."""
    with hub.store.writing() as session:
        device = fleet.device_named(session, device_name)
        job = _get(session, device, order_id)
        if progress.incomplete(session, job):
            job.state = "cancelled"
        return progress.status(hub, session, device, job)


def statuses(hub: Hub, most: int | None = None) -> list[tuple[str, OrderStatus]]:
    """The purpose and the status of every job, or of the last `most`, the newest first."""
    query = select(Job, Identity).join(Identity, Job.identity_id == Identity.id)
    with hub.store.reading() as session:
        rows = session.execute(query.order_by(Job.id.desc()).limit(most)).all()
        return [(job.purpose, progress.status(hub, session, device, job)) for job, device in rows]


def total(hub: Hub) -> int:
    """How many jobs there are."""
    with hub.store.reading() as session:
        return session.scalar(select(func.count()).select_from(Job)) or 0


def open_orders(hub: Hub, device_id: int) -> str:
    """`OpenOrders` as JSON: the oldest ones, as many as one order may be large; none where the
    device is in quarantine."""
    query = select(Job.content).where(Job.identity_id == device_id, Job.state == "open")
    with hub.store.reading() as session:
        device = session.get_one(Identity, device_id)
        found = session.scalars(query.order_by(Job.id).limit(MAX_OPEN_ORDERS)).all()
        told = [] if device.quarantined else _at_most(found)
    return f'{{"orders":[{",".join(told)}]}}'


def may_fetch(session: Session, device_id: int, sha256: str) -> bool:
    """Whether an order of the device names the model file."""
    query = select(Job.id).join(JobModel, JobModel.job_id == Job.id)
    named = query.where(Job.identity_id == device_id, JobModel.sha256 == sha256).limit(1)
    return session.scalar(named) is not None


def batches(values: list[str], size: int = 500) -> Iterator[list[str]]:
    """Lists that a database takes as parameters of one query."""
    return (values[start : start + size] for start in range(0, len(values), size))


def _subjects(order: Order) -> dict[str, str]:
    """Subject id -> sha256 of its file."""
    return {subject_id(subject_text(m.subject)): m.subject.sha256 for m in order.models}


def _check_files(hub: Hub, session: Session, order: Order) -> None:
    sizes = {model.subject.sha256: model.size_bytes for model in order.models}
    known = {
        row.sha256: row.size_bytes
        for part in batches(sorted(sizes))
        for row in session.scalars(select(ModelFile).where(ModelFile.sha256.in_(part)))
    }
    wrong = [sha256 for sha256, size in sizes.items() if known.get(sha256, size) != size]
    if wrong:
        raise Malformed(f"the model {wrong[0]} has {known[wrong[0]]} bytes, not {sizes[wrong[0]]}")
    missing = sorted(
        sha256
        for sha256, size_bytes in sizes.items()
        if sha256 not in known or not hub.models.holds(sha256, size_bytes)
    )
    if missing:
        problem = f"{len(missing)} of {len(sizes)} model files are not here: PUT them, then order"
        raise Conflict(problem, missing)


def _find(session: Session, device: Identity, order_id: str) -> Job | None:
    query = select(Job).where(Job.identity_id == device.id, Job.order_id == order_id)
    return session.scalar(query)


def _get(session: Session, device: Identity, order_id: str) -> Job:
    job = _find(session, device, order_id)
    if job is None:
        raise Unknown(f"the device {device.name!r} has no order {order_id}")
    return job


def _add(session: Session, device: Identity, order: Order, now: str) -> Job:
    job = Job(
        identity_id=device.id,
        order_id=order.id,
        purpose=order.purpose,
        runtime=order.runtime,
        precision=order.precision,
        threads=order.threads,
        state="open",
        created_at=now,
        content=order.to_json(),
    )
    session.add(job)
    session.flush()
    return job


def _at_most(orders: Iterable[str]) -> list[str]:
    taken: list[str] = []
    for order in orders:
        if taken and sum(map(len, taken)) + len(order) > MAX_ORDER_BYTES:
            break
        taken.append(order)
    return taken
