"""From an order to what is spooled: models, a cool board, one session, a verdict."""

from __future__ import annotations

import glob
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from edge.agent.client import HubClient
from edge.agent.conditions import too_hot
from edge.agent.items import Item
from edge.agent.models import ModelCache, ModelUnavailable
from edge.agent.settings import Settings, Stop, Stopped
from edge.agent.starts import Starts
from edge.agent.state import DiskFull, State
from edge.bench import Failure
from edge.carry_out import carry_out, forget
from edge.host import WorkerError
from edge.orders import FailedModel, How, Order, OrderedModel
from edge.record import Measurement
from edge.report_file import failed_model
from edge.runtimes import MissingRuntime
from edge.sensors import on_battery, read_sensors
from edge.session import Result, not_started

MAX_SAMPLES = 4_000_000  # of an order: 160 MB while it is measured
_LOOK_S = 10.0  # between two looks at the temperature


class Work:
    """Carries out orders. `between` is called between blocks of runs, when nothing is timed."""

    def __init__(
        self,
        state: State,
        settings: Settings,
        stop: Stop,
        between: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._state = state
        self._settings = settings
        self._stop = stop
        self._between = between
        self._clock = clock
        self.cache = ModelCache(state.models, settings.cache_cap_bytes, self._check)
        self.starts = Starts(state.starts)

    def prepare(self, client: HubClient, order: Order) -> tuple[dict[str, Path], list[FailedModel]]:
        """The model files of `order` by sha256, and those that it will never get.

        Raises HubAway, HubForbids, Stopped, DiskFull, or OSError.
        """
        models = {model.subject.sha256: model for model in order.models}
        failures = self._blocked(models, order.id) or self._too_large(list(models.values()))
        for failure in failures:
            del models[failure.sha256]
        self._make_room(list(models.values()), order.runtime)
        files: dict[str, Path] = {}
        for sha256, model in models.items():
            self._check()
            try:
                files[sha256] = self.cache.fetch(client, model, order.runtime)
            except ModelUnavailable as error:
                failures.append(error.failure(sha256))
        return files, failures

    def hot(self) -> str | None:
        """Why records that are taken now would be doubtful, or None."""
        return too_hot(read_sensors(self._settings.root), self._settings.hot_c)

    def cool(self) -> str | None:
        """Wait until the board is cool; say why records are doubtful, if they are: it did not cool
        for `Settings.cool_s`, or it runs on its battery."""
        deadline = self._clock() + self._settings.cool_s
        while (why := self.hot()) is not None:
            if self._clock() >= deadline:
                return f"{why}, and waiting {self._settings.cool_s / 60:g} min did not help"
            self._stop.wait(_LOOK_S)
            self._pause()
        return "the device ran on its battery" if on_battery(self._settings.root) else None

    def measure(self, order: Order, files: dict[str, Path], doubt: str | None) -> list[Item]:
        """Measure those models of `order` that have a file: what is to be spooled.

        A call that was killed goes on where it was. Raises Stopped, or OSError.
        """
        died = self.starts.begin(order.id, files, self._finished(order))
        together = order.id if len(files) > 1 else next(iter(files), order.id)
        failures = self._blocked(files, order.id)
        left = [
            model
            for model in order.models
            if model.subject.sha256 in files.keys() - {failure.sha256 for failure in failures}
        ]
        results: Sequence[Result] = []
        if left:
            some = _part(_bounded(order), left)
            if died and len(files) > 1:
                self._try_alone(some, files)
            with self.starts.running(together):
                results = self._session(some, files, self._journal(order))
        return [_item(one, order) for one in (*failures, *(_judged(r, doubt) for r in results))]

    def finish(self, order: Order) -> None:
        """What came of `order` is in the spool: forget the rest."""
        forget(self._journal(order))
        self.starts.end()

    def forget_all_but(self, orders: Iterable[str]) -> None:
        """Remove the journals of other orders: they were cancelled, or killed when they were in
        the spool. Raises OSError."""
        known = set(orders)
        for path in self._state.journals.glob("*"):
            if path.name.partition(".")[0] not in known:
                path.unlink(missing_ok=True)

    def _blocked(self, models: Iterable[str], order: str) -> list[FailedModel]:
        """Those of `models` that are not to be run again, alone or in this order."""
        blocked = self.starts.blocked
        return [
            FailedModel(sha256=sha256, kind="crash", detail=blocked.get(sha256) or blocked[order])
            for sha256 in models
            if sha256 in blocked or order in blocked
        ]

    def _too_large(self, models: Sequence[OrderedModel]) -> list[FailedModel]:
        size_bytes = sum(model.size_bytes for model in models)
        if size_bytes <= self._settings.cache_cap_bytes:
            return []
        why = (
            f"the models of the order take {size_bytes >> 20} MiB, and this board keeps "
            f"{self._settings.cache_cap_bytes >> 20} MiB: order fewer of them at a time"
        )
        return [
            FailedModel(sha256=model.subject.sha256, kind="rejected", detail=why)
            for model in models
        ]

    def _make_room(self, models: Sequence[OrderedModel], runtime: str) -> None:
        needed_bytes = self.cache.missing_bytes(models, runtime)
        free_bytes = max(0, self._state.free_bytes() - self._settings.min_free_bytes)
        order = {model.subject.sha256 for model in models}
        if short_bytes := self.cache.make_room(needed_bytes, order, free_bytes):
            raise DiskFull(
                f"an order needs {_mib(needed_bytes)} MiB more on the disk, and "
                f"{_mib(short_bytes)} MiB of that are not to be had: make room"
            )

    def _try_alone(self, order: Order, files: dict[str, Path]) -> None:
        """Run each model once, so that one that brings us down is known."""
        for model in order.models:
            alone = _part(order, [model], blocks=1)
            with self.starts.running(model.subject.sha256):
                self._session(alone, files, None)

    def _session(
        self, order: Order, files: dict[str, Path], journal: Path | None
    ) -> Sequence[Result]:
        try:
            return carry_out(
                order,
                files,
                memory_limit_bytes=self._settings.memory_limit_bytes,
                journal=journal,
                progress=lambda *_: self._pause(),
                root=self._settings.root,
                worker=self._settings.worker,
            )
        except (MissingRuntime, WorkerError) as error:
            return not_started((model.subject for model in order.models), error)

    def _pause(self) -> None:
        self._check()
        self._between()

    def _check(self) -> None:
        if self._stop.is_set():
            raise Stopped

    def _journal(self, order: Order) -> Path:
        return self._state.journals / order.id

    def _finished(self, order: Order) -> int:
        """Lines of the order's journals, each a finished block; their headers do not matter."""
        files = self._state.journals.glob(f"{glob.escape(order.id)}.*")
        return sum(path.read_bytes().count(b"\n") for path in files)


def _mib(size_bytes: int) -> int:
    """Rounded up: what is missing is never none."""
    return -(-size_bytes >> 20)


def _part(order: Order, models: Sequence[OrderedModel], **how: int) -> Order:
    """`order` with some of its models."""
    return order.model_copy(
        update={"models": tuple(models), "how": order.how.model_copy(update=how)}
    )


def _bounded(order: Order) -> Order:
    """`order` with blocks that end before their samples fill the memory."""
    how: How = order.how
    each = max(how.block_runs, MAX_SAMPLES // (how.blocks * len(order.models)))
    bounded = how.model_copy(update={"max_runs": min(how.max_runs or each, each)})
    return order.model_copy(update={"how": bounded})


def _judged(result: Result, doubt: str | None) -> Result:
    """With `doubt` no record is better than suspect."""
    if isinstance(result, Failure) or doubt is None or not result.usable:
        return result
    return result.model_copy(update={"verdict": "suspect", "reasons": (*result.reasons, doubt)})


def _item(result: Result | FailedModel, order: Order) -> Item:
    if isinstance(result, Measurement):
        return Item.of_record(result, order.id)
    failure = failed_model(result) if isinstance(result, Failure) else result
    return Item.of_failure(failure, order.id)
