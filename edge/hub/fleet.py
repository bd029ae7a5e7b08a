"""The devices: their heartbeats, how they are, and clones of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from edge.hub.callers import Caller, holder
from edge.hub.errors import Unknown
from edge.hub.hub import Hub
from edge.hub.tables import Boot, Identity, Job, StoredRecord
from edge.hub_api import Devices, DeviceStatus, Heartbeat, HeartbeatAnswer

_BOOTS_KEPT = 16  # of a device; a clone comes back sooner
_SLACK_S = 10.0  # that a heartbeat may have been under way for


def heartbeat(hub: Hub, caller: Caller, beat: Heartbeat) -> HeartbeatAnswer:
    """Note how the device is, and put it in quarantine where two machines use its token, or another
    one than at first. Raises NotAllowed, NoToken."""
    with hub.store.writing() as session:
        device = holder(session, caller)
        other = _other_machine(session, device.id, beat, hub.clock().timestamp())
        _pin(device, beat.device)
        if device.quarantined is None:
            device.quarantined = _in_turn(device, beat, other) or _changed(device, beat)
        device.last_seen = hub.now()
        device.heartbeat = beat.to_json()
        return HeartbeatAnswer(poll_s=hub.settings.poll_s, quarantined=device.quarantined)


def device_of(hub: Hub, caller: Caller, claimed: str) -> str:
    """The device that a token is of: that which is `claimed`, where it has named none before.
    Raises NotAllowed, NoToken."""
    with hub.store.writing() as session:
        return _pin(holder(session, caller), claimed)


def device_named(session: Session, name: str) -> Identity:
    """Raises Unknown."""
    query = select(Identity).where(Identity.kind == "device", Identity.name == name)
    device = session.scalar(query)
    if device is None:
        raise Unknown(f"there is no device {name!r}: facet hub add-device {name}")
    return device


def state_of(hub: Hub, device: Identity) -> str:
    """As `DeviceStatus` words it."""
    if device.revoked_at:
        return "revoked"
    if device.quarantined:
        return "quarantined"
    if device.last_seen is None or device.heartbeat is None:
        return "never seen"
    silent_s = (hub.clock() - datetime.fromisoformat(device.last_seen)).total_seconds()
    if silent_s > hub.settings.away_after_s:
        return "away"
    return Heartbeat.model_validate_json(device.heartbeat).state


def devices(hub: Hub) -> Devices:
    """All of them, by name; records that are excluded are not counted."""
    query = select(Identity).where(Identity.kind == "device").order_by(Identity.name)
    with hub.store.reading() as session:
        jobs = dict(
            session.execute(
                select(Job.identity_id, func.count())
                .where(Job.state == "open")
                .group_by(Job.identity_id)
            ).all()
        )
        records = dict(
            session.execute(
                select(StoredRecord.identity_id, func.count())
                .where(StoredRecord.excluded.is_(None))
                .group_by(StoredRecord.identity_id)
            ).all()
        )
        return Devices(
            devices=tuple(
                DeviceStatus(
                    name=device.name,
                    state=state_of(hub, device),
                    last_seen=device.last_seen,
                    quarantined=device.quarantined,
                    open_orders=jobs.get(device.id, 0),
                    records=records.get(device.id, 0),
                    heartbeat=_last_heartbeat(device),
                )
                for device in session.scalars(query)
            )
        )


def operators(hub: Hub) -> dict[str, bool]:
    """Their names in order, and whether the token of each was revoked."""
    query = select(Identity).where(Identity.kind == "operator").order_by(Identity.name)
    with hub.store.reading() as session:
        return {found.name: found.revoked_at is not None for found in session.scalars(query)}


def _pin(device: Identity, claimed: str) -> str:
    """The machine that the token is of: the first that used it."""
    if device.device is None:
        device.device = claimed
    return device.device


def _in_turn(device: Identity, beat: Heartbeat, other: str | None) -> str | None:
    if other is None:
        return None
    return (
        f"two machines use the token of {device.name} in turn (boot ids {other} and "
        f"{beat.boot_id}), as after an SD card was copied: give each its own token, "
        f"the first by facet hub add-device {device.name} --rotate, "
        "the other by facet hub add-device ANOTHER-NAME"
    )


def _changed(device: Identity, beat: Heartbeat) -> str | None:
    """What one device measures must not move the table of another."""
    if device.device == beat.device:
        return None
    return (
        f"the token of {device.name} is that of {device.device!r}, and {beat.device!r} uses it: "
        "give another machine its own token by facet hub add-device ANOTHER-NAME, or one that was "
        f"rebuilt a new one by facet hub add-device {device.name} --rotate"
    )


def _last_heartbeat(device: Identity) -> Heartbeat | None:
    return Heartbeat.model_validate_json(device.heartbeat) if device.heartbeat else None


def _other_machine(session: Session, device_id: int, beat: Heartbeat, now_s: float) -> str | None:
    """The boot id that came after this one, where this one went on after the other began: one
    machine has one boot at a time. What was under way when the power was cut proves nothing,
    however late it arrives.

    When a boot began is told by its heartbeats: the earliest arrival less uptime.
    """
    query = select(Boot).where(Boot.identity_id == device_id).order_by(Boot.number.desc())
    boots = session.scalars(query).all()
    known = next((boot for boot in boots if boot.boot_id == beat.boot_id), None)
    began_s = now_s - beat.uptime_s
    if known is None:
        session.add(Boot(identity_id=device_id, boot_id=beat.boot_id, began_s=began_s))
        forgotten = [boot.number for boot in boots[_BOOTS_KEPT - 1 :]]
        session.execute(delete(Boot).where(Boot.number.in_(forgotten)))
        return None
    known.began_s = min(known.began_s, began_s)
    sent_s = known.began_s + beat.uptime_s
    last = boots[0]
    return last.boot_id if known is not last and sent_s > last.began_s + _SLACK_S else None
