"""The agent's loop, of one thread: say how we are, send, fetch orders, measure, wait.

Only sending waits for the hub: while it is away, orders that are known are carried out, and the
spool keeps what they give. Durations are those of the monotonic clock.
"""

from __future__ import annotations

import logging
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from typing import TypeVar

from edge.agent import memory
from edge.agent.backoff import MOST_S, Backoff
from edge.agent.client import HubAway, HubClient, HubFails, HubForbids, HubRefuses
from edge.agent.conditions import heartbeat
from edge.agent.deliver import deliver
from edge.agent.inbox import Inbox
from edge.agent.items import Item, Standing
from edge.agent.orders import KnownOrders
from edge.agent.settings import Settings, Stop, Stopped
from edge.agent.spool import Spool
from edge.agent.state import DiskFull, State, is_full
from edge.agent.status import Status
from edge.agent.work import Work
from edge.hub_api import DeviceWork, HeartbeatAnswer
from edge.orders import Order
from edge.text import printable

_LOG = logging.getLogger("edge.agent")
_Written = TypeVar("_Written")
_FIRST_POLL_S = 60.0
_POLL_S = (1.0, 900.0)  # whatever the hub says
_DRAIN_PAUSE_S = 2.0  # at most, between two batches: other boards come back too
_AGAIN_S = 3600.0  # a hub that refuses what it goes on asking for must not keep the board busy


class Agent:
    """One board's agent. `clock` is monotonic; `wall` is the time of day, in seconds since 1970."""

    def __init__(
        self,
        client: HubClient,
        state: State,
        settings: Settings,
        stop: Stop,
        *,
        rng: random.Random | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._state = state
        self._settings = settings
        self._stop = stop
        self._rng = rng or random.Random()
        self._clock = clock
        self._wall = wall
        self._backoff = Backoff(self._rng)
        self._download_backoff = Backoff(self._rng)
        self._work = Work(state, settings, stop, self._beat_if_due, clock)
        self._inbox = Inbox(settings.inbox or state.inbox, settings.root)
        self._orders = KnownOrders(state.orders)
        self._spool: Spool | None = None
        self._full: str | None = None
        self._was_full = False
        self._given_back = (-1, -1)  # orders and results when memory was given back
        self._not_before: dict[str, float] = {}  # orders whose models did not come, or results
        self._poll_s = settings.poll_s or _FIRST_POLL_S
        self._next_call = self._next_beat = clock()
        self._status = Status.read(state.status)
        self._connected = False

    def run(self, once: bool = False) -> bool:
        """Until told to stop, or with `once` until there is nothing more to do for now.

        Returns whether the hub was reached, and nothing is left to be measured or sent.
        """
        try:
            while not self._stop.is_set():
                if self.turn():
                    continue
                if once:
                    break
                self._rest()
        except Stopped:
            _LOG.info("stopping: what is under way goes on with the next start")
        finally:
            left = self._standing().waiting
            if self._spool is not None:
                self._spool.close()
        at_peace = self._status.problem is None and not self._backoff.failures
        return at_peace and not left and not any(self._orders)

    def turn(self) -> bool:
        """One round. True where something was measured: the next round should follow at once."""
        self._was_full, self._full = self._full is not None, None
        with self._watching_the_disk():
            self._open()
            self._collect()
        if self._clock() >= self._next_call:
            self._call()
        measured = False
        if self._full is None and self._status.quarantined is None:
            with self._watching_the_disk():
                measured = self._measure_one()
        if measured and not self._backoff.failures:
            self._next_call = self._clock()  # to send it
        self._tell(state="full" if self._full else "idle")
        return measured

    def wait_s(self) -> float:
        """Until the next round."""
        return min(max(0.0, self._next_call - self._clock()), self._poll_s)

    def _rest(self) -> None:
        handled = (self._status.measured_orders, self._standing().delivered)
        if handled != self._given_back:
            memory.give_back()
            self._given_back = handled
        self._stop.wait(self.wait_s())

    @contextmanager
    def _watching_the_disk(self) -> Iterator[None]:
        """A disk that is full or read-only ends what is inside, not the agent."""
        try:
            yield
        except (OSError, sqlite3.OperationalError) as error:
            if not is_full(error):
                raise
            self._takes_nothing(error)

    def _takes_nothing(self, error: Exception) -> None:
        self._state.use_reserve()
        self._full = f"the disk takes nothing more: {error}"
        self._problem(self._full)

    def _open(self) -> None:
        if self._spool is None:
            self._state.clean()
            cap_bytes = self._settings.spool_cap_bytes
            self._spool = self._with_reserve(lambda: Spool(self._state.spool, cap_bytes))
            if self._spool.damaged is not None:
                self._status.damaged_spool = str(self._spool.damaged)
                _LOG.error("the spool was damaged: it lies in %s now", self._spool.damaged)
            self._orders.forget(self._spool.holds)  # a kill came before `remove`
            self._work.forget_all_but(order.id for order in self._orders)
        missing_bytes = self._settings.min_free_bytes - self._state.free_bytes()
        if missing_bytes > 0 and self._work.cache.make_room(0, (), -missing_bytes):
            raise DiskFull(f"less than {self._settings.min_free_bytes >> 20} MiB are free")
        self._state.keep_reserve()

    def _collect(self) -> None:
        """What applications left in the inbox goes to the spool, and only then away."""
        assert self._spool is not None
        for taken in self._inbox.look(self._wall()):
            self._spool.add(Item.of_record(record, None) for record in taken.records)
            self._inbox.remove(taken)
            self._status.inbox_records += len(taken.records)
            for problem in taken.problems:
                said = printable(f"{taken.path.name!r}: {problem}")
                self._status.inbox_problems += 1
                self._status.inbox_last_problem = said
                _LOG.warning("inbox: %s", said)

    def _call(self) -> None:
        """Heartbeat, what waits, and new orders: in this order, so that no order is fetched that
        is done by what waits."""
        try:
            self._heard(self._beat("full" if self._full or self._was_full else "idle"))
            if self._status.quarantined is None:
                with self._watching_the_disk():
                    self._send_and_fetch()
        except HubAway as error:
            self._later(self._backoff.failed(error.retry_after_s), str(error))
        except (HubForbids, HubRefuses) as error:
            self._backoff.failed()
            self._later(self._rng.uniform(0.5, 1.0) * MOST_S, str(error))
        else:
            self._backoff.succeeded()
            self._greet()
            self._status.problem = self._full
            self._next_call = self._clock() + self._poll_s * self._rng.uniform(0.8, 1.0)

    def _send_and_fetch(self) -> None:
        """What waits, and new orders: also where the hub breaks down over what waits."""
        try:
            if self._spool is not None:
                deliver(self._spool, self._client, self._pause)
        except HubFails:
            self._fetch()
            raise
        self._fetch()

    def _fetch(self) -> None:
        if self._full is None:
            self._orders.replace(self._client.orders().orders)

    def _greet(self) -> None:
        """Who started us, or looks into the journal after an outage, sees that it works."""
        if not self._connected and self._status.quarantined is None:
            waiting = len(list(self._orders))
            orders = f"{waiting or 'no'} open order{'' if waiting == 1 else 's'}"
            _LOG.info("connected to %s; %s", self._client.url, orders)
        self._connected = True

    def _heard(self, answer: HeartbeatAnswer) -> None:
        if answer.quarantined and not self._status.quarantined:
            _LOG.error("quarantined by the hub: %s", printable(answer.quarantined))
        self._status.quarantined = answer.quarantined
        self._poll_s = self._settings.poll_s or min(max(answer.poll_s, _POLL_S[0]), _POLL_S[1])
        self._status.last_contact = datetime.fromtimestamp(self._wall(), timezone.utc).isoformat()

    def _measure_one(self) -> bool:
        """Carry out the oldest order that can be; False where there is none."""
        assert self._spool is not None
        for order in self._orders:
            if self._spool.holds(order.id) or self._clock() < self._not_before.get(order.id, 0.0):
                continue
            downloads = self._work.cache.downloads
            try:
                self._carry_out(order, self._spool)
            except (HubAway, HubForbids, HubRefuses) as error:  # others may have all their models
                if self._work.cache.downloads > downloads:  # it gets on
                    self._download_backoff.succeeded()
                asked_s = error.retry_after_s if isinstance(error, HubAway) else None
                wait_s = self._download_backoff.failed(asked_s)
                self._not_before[order.id] = self._clock() + wait_s
                self._problem(str(error))
            except DiskFull as error:  # a smaller one may fit, or have all its models
                self._takes_nothing(error)
            else:
                self._download_backoff.succeeded()
                return True
        return False

    def _carry_out(self, order: Order, spool: Spool) -> None:
        files, failures = self._work.prepare(self._client, order)
        if self._work.hot():
            self._show("cooling")
        doubt = self._work.cool()
        self._show("measuring")
        _LOG.info("order %s: measuring %d models", order.id[:12], len(files))
        items = [Item.of_failure(failure, order.id) for failure in failures]
        items += self._work.measure(order, files, doubt)
        again = spool.refused(order.id)  # and yet it is open, as after a hub was restored
        self._with_reserve(lambda: spool.add(items))
        if again:
            self._not_before[order.id] = self._clock() + _AGAIN_S
        self._orders.remove(order)
        self._work.finish(order)
        self._status.measured_orders += 1

    def _with_reserve(self, write: Callable[[], _Written]) -> _Written:
        """What `write` gives, the second time with the room of the reserve."""
        try:
            return write()
        except (OSError, sqlite3.OperationalError) as error:
            if not is_full(error):
                raise
            self._state.use_reserve()
            return write()

    def _later(self, wait_s: float, why: str) -> None:
        self._connected = False
        self._next_call = self._clock() + wait_s
        self._problem(why)

    def _problem(self, why: str) -> None:
        if self._status.problem != why:
            _LOG.warning("%s", why)
        self._status.problem = why

    def _pause(self) -> None:
        if self._stop.wait(self._rng.uniform(0, _DRAIN_PAUSE_S)):
            raise Stopped

    def _show(self, state: DeviceWork) -> None:
        """A change that people wait for is told at once, here and to the hub."""
        self._tell(state)
        self._next_beat = self._clock()
        self._beat_if_due()

    def _beat_if_due(self) -> None:
        """Between two blocks of runs: the hub should know that we live, and nothing more."""
        if self._clock() >= self._next_beat and not self._backoff.failures:
            with suppress(HubAway, HubForbids, HubRefuses):
                self._beat(self._status.state)

    def _beat(self, state: DeviceWork) -> HeartbeatAnswer:
        self._next_beat = self._clock() + max(self._poll_s, _FIRST_POLL_S)
        standing = self._standing()
        beat = heartbeat(state, standing.waiting, standing.waiting_bytes, self._settings.root)
        return self._client.heartbeat(beat)

    def _standing(self) -> Standing:
        return Standing() if self._spool is None else self._spool.standing()

    def _tell(self, state: DeviceWork) -> None:
        self._status.state = state
        self._status.hub = self._client.url
        with suppress(OSError):  # it is for people, and not worth a failure
            self._status.write(self._state.status)
