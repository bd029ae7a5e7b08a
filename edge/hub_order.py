"""An order that is given through a hub by hand: its models go along, and what came back is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge import record
from edge.agent.client import HubRefuses
from edge.bench import Job
from edge.hub_api import OrderStatus
from edge.hub_client import ModelsMissing, Operator
from edge.model_files import Model
from edge.ordering import Ordered
from edge.record import Measurement
from edge.report_file import failure_of
from edge.session import Result

_UNKNOWN = 404


@dataclass(frozen=True)
class Answer:
    """How far a device is, and `results` of those `models` that it is done with."""

    status: OrderStatus
    models: list[Model]
    results: list[Result]


def submit(
    hub: Operator,
    device: str,
    ordered: Ordered,
    progress: Callable[[str, int, int], object] = lambda *_: None,
    *,
    again: bool = False,
) -> OrderStatus:
    """Give the order to the device, and the hub those models that it lacks; the same order again is
    the same job, and tells how far that is. With `again` the device tries anew what failed.
    Raises what an Operator's calls raise, and OSError."""
    if again:
        _cancel(hub, device, ordered.order.id)
    try:
        return hub.submit(device, ordered.order)
    except ModelsMissing as error:
        for done, sha256 in enumerate(error.missing):
            progress("models", done, len(error.missing))
            hub.upload(sha256, ordered.files[sha256])
    return hub.submit(device, ordered.order)


def _cancel(hub: Operator, device: str, order_id: str) -> None:
    """Where there is such an order: a hub opens a cancelled one for all that is not measured."""
    try:
        hub.cancel(device, order_id)
    except HubRefuses as error:
        if error.status != _UNKNOWN:
            raise


def answer(hub: Operator, status: OrderStatus, ordered: Ordered) -> Answer:
    """What came back so far; of several records of a model the last one counts."""
    order = ordered.order
    records = list(hub.records_of(status.device, order.id)) if status.measured else []
    failures = {failed.sha256: failed for failed in status.failures}
    models, results = [], []
    for model in order.models:
        subject = model.subject
        found: list[Result] = [of for of in records if of.subject == subject]
        if not found and subject.sha256 in failures:
            found = [failure_of(subject, failures[subject.sha256])]
        if found:
            job = Job(subject, ordered.files[subject.sha256])
            models.append(Model(job, order.runtime, order.precision, model.size_bytes))
            results.append(found[-1])
    return Answer(status, models, results)


def keep(results: list[Result], out: Path) -> None:
    """Append the records among `results` to `out`, each once. Raises RecordError or OSError."""
    known = {of.id for of in record.read(out)} if out.exists() else set()
    for result in results:
        if isinstance(result, Measurement) and result.id not in known:
            record.append(out, result)
