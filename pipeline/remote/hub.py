"""Sessions through a hub: order, wait for the boards, fetch what they measured."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TextIO, TypeVar

import stamina

from edge.agent.client import HubAway, HubRefuses
from edge.hub_api import OrderStatus
from edge.hub_client import ModelsMissing, Operator
from edge.session import Result
from edge.text import printable
from pipeline.progress import Progress
from pipeline.remote import collect
from pipeline.remote.errors import RemoteError
from pipeline.remote.session import Placed

_TRIES = 5
_ABSENT = ("away", "never seen", "quarantined", "full")  # nothing happens there for now
_T = TypeVar("_T")


def submit(hub: Operator, placed: Placed) -> None:
    """Give the order to the device, and the hub those models that it lacks. Raises RemoteError."""

    def order() -> OrderStatus:
        return hub.submit(placed.session.device, placed.order)

    try:
        try:
            _persistent(order)
        except ModelsMissing as error:
            _upload(hub, placed, error.missing)
            _persistent(order)
    except HubRefuses as error:
        raise RemoteError(f"the hub does not take the order, {placed.what}: {error}") from error


def _upload(hub: Operator, placed: Placed, missing: Sequence[str]) -> None:
    files = placed.files
    with Progress("models", len(missing)) as progress:
        for sha256 in missing:
            _persistent(partial(hub.upload, sha256, files[sha256]))
            progress.advance(f"for {placed.session.device}")


def _persistent(call: Callable[[], _T]) -> _T:
    """A hub that is started again is not a reason to begin again."""
    for attempt in stamina.retry_context(on=HubAway, attempts=_TRIES, timeout=60):
        with attempt:
            return call()
    raise AssertionError("stamina ends by a result or an error")


@dataclass
class Wait:
    """Waits until no order is open, and says why it takes so long."""

    hub: Operator
    placed: Sequence[Placed]
    sleep: Callable[[float], None]
    poll_s: float
    stream: TextIO | None = None
    _statuses: dict[str, OrderStatus] = field(default_factory=dict)
    _said: dict[str, str] = field(default_factory=dict)

    def results(self) -> list[list[Result]]:
        """For every session what its board measured. Ctrl-C leaves the orders with the hub.
        Raises RemoteError, HubForbids or HubRefuses."""
        total = sum(len(placed.order.models) for placed in self.placed)
        try:
            with Progress("boards", total, stream=self.stream) as progress:
                while not self._look(progress):
                    self.sleep(self.poll_s)
        except KeyboardInterrupt:
            print(
                "\nthe orders stay with the hub; `dvc repro` goes on with what the boards measure "
                "meanwhile",
                file=self.stream or sys.stderr,
            )
            raise
        return [self._fetch(placed) for placed in self.placed]

    def _look(self, progress: Progress) -> bool:
        """Whether nothing is open any more."""
        try:
            for placed in self.placed:
                known = self._statuses.get(placed.order.id)
                if known is None or known.state != "done":
                    self._statuses[placed.order.id] = self._status(placed, progress)
            self._tell(progress, "hub", "")
        except HubAway as error:
            self._tell(progress, "hub", f"{error}; waiting for it")
        counts = [s.measured + len(s.failures) for s in self._statuses.values()]
        open_ones = [p for p in self.placed if self._state(p) != "done"]
        devices = dict.fromkeys(placed.session.device for placed in open_ones)
        progress.update(sum(counts), ", ".join(f"{d} {self._doing(d)}" for d in devices))
        return not open_ones

    def _status(self, placed: Placed, progress: Progress) -> OrderStatus:
        device = placed.session.device
        try:
            status = self.hub.status(device, placed.order.id)
        except HubRefuses as error:
            raise RemoteError(
                f"the hub no longer knows {placed.what}: {error}; dvc repro orders it again"
            ) from error
        if status.state == "cancelled":
            raise RemoteError(f"{placed.what} was cancelled at the hub; dvc repro orders it again")
        if status.state == "open" and status.device_state == "revoked":
            raise RemoteError(
                f"the token of {device} was revoked: facet hub add-device {device} --rotate"
            )
        absent = status.state == "open" and status.device_state in _ABSENT
        seen = f"last seen {status.last_seen}" if status.last_seen else "not seen so far"
        line = f"{device} is {status.device_state}, {seen}: waiting for it; Ctrl-C keeps the order"
        self._tell(progress, device, line if absent else "")
        return status

    def _tell(self, progress: Progress, who: str, line: str) -> None:
        """Once, until it is another line."""
        kind = line.partition(",")[0]
        if self._said.get(who, "") != kind and line:
            progress.say(printable(line))
        self._said[who] = kind

    def _state(self, placed: Placed) -> str:
        known = self._statuses.get(placed.order.id)
        return known.state if known else "open"

    def _doing(self, device: str) -> str:
        states = [s.device_state for s in self._statuses.values() if s.device == device]
        return states[-1] if states else "unknown"

    def _fetch(self, placed: Placed) -> list[Result]:
        device, order = placed.session.device, placed.order

        def fetch() -> list[Result]:
            failures = self.hub.status(device, order.id).failures
            return collect.results(placed.session, self.hub.records_of(device, order.id), failures)

        try:
            return _persistent(fetch)
        except RemoteError as error:
            raise RemoteError(f"{placed.what}: {error}") from error
