"""From the spool to the hub: what arrived is forgotten, what is refused is set apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edge.agent.client import HubClient, HubFails, HubRefuses
from edge.agent.items import Item
from edge.agent.spool import Spool
from edge.hub_api import Report
from edge.record import RecordError

BATCH_BYTES = 1 << 20
BATCH_ITEMS = 200
_TOO_LARGE = 413


def deliver(spool: Spool, client: HubClient, between: Callable[[], object] = lambda: None) -> int:
    """Send what waits, `between` after every batch but the last; how many items arrived.

    Raises HubAway or HubForbids; what did not arrive is still in the spool then, and where the hub
    broke down over a batch (HubFails), the next call begins with a half of it.
    """
    arrived = 0
    batch = spool.batch(BATCH_BYTES, BATCH_ITEMS)
    while batch:
        if _send(spool, client, batch):
            arrived += len(batch)
        batch = spool.batch(BATCH_BYTES, BATCH_ITEMS)
        if batch:
            between()
    return arrived


def report_of(items: Sequence[Item]) -> Report:
    """Items of one order as the hub takes them; the boot is named where they share one."""
    records = tuple(item.record() for item in items if item.kind == "record")
    boots = {record.conditions.boot_id for record in records}
    return Report(
        order=items[0].order,
        boot_id=boots.pop() if len(boots) == 1 else None,
        records=records,
        failures=tuple(item.failure() for item in items if item.kind == "failure"),
    )


def _send(spool: Spool, client: HubClient, batch: Sequence[Item]) -> bool:
    """Whether all of `batch` arrived. Where something in it is refused, its halves go next: those
    that arrived already are known to the hub, and the culprit ends up alone."""
    try:
        refused = client.report(report_of(batch)).refused
    except RecordError as error:  # we could not even read it back, and never will
        refused = (str(error),)
    except HubFails:  # over one item, perhaps, for which the others need not wait
        if len(batch) > 1:
            spool.split(batch)
        else:
            spool.postpone(batch[0])
        raise
    except HubRefuses as error:
        refused = (str(error),)
        first = batch[0]
        if error.status == _TOO_LARGE and len(batch) == 1 and not first.thin:
            spool.replace(first, first.thinned())
            return False
    if not refused:
        spool.acknowledge(batch)
    elif len(batch) > 1:
        spool.split(batch)
    else:
        spool.refuse(batch[0], refused[0])
    return not refused
