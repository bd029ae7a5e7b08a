"""The members of a family behind one call that keeps a latency budget while the board slows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic

from edge.errors import EdgeError
from edge.pick import NoFit
from edge.serving.controller import HEADROOM, HOLD_S, Controller, Rung
from edge.serving.deck import Deck, Runner, X, Y
from edge.serving.feedback import Feedback

_NS_PER_MS = 1e6
_NS_PER_S = 1e9


class Closed(EdgeError, RuntimeError):
    """The server was closed."""


@dataclass(frozen=True)
class Counters:
    """What happened since the server began; latencies are those of the networks alone."""

    calls: int
    misses: int  # calls whose network took longer than the budget
    down: int  # switches to a faster member
    up: int  # switches to a more accurate one
    no_fit: int  # how often it came to where not even the fastest member fits
    factor: float  # how many times slower the board is than when it was measured
    fits: bool  # whether the budget is expected to be kept now
    member: str  # that is chosen now
    by_member: Mapping[str, int] = field(default_factory=dict)  # calls
    reported: int = 0  # inference times that were left for the agent
    dropped: int = 0  # inference times for which there was no place
    problems: tuple[str, ...] = ()  # members that would not load, feedback that had no place

    @property
    def miss_share(self) -> float:
        """Of all calls; 0 before the first."""
        return self.misses / self.calls if self.calls else 0.0


class Server(Generic[X, Y]):
    """Runs the best of `rungs` (a `ladder`) that is expected to keep `budget_ms`.

    Any number of threads may call it. The budget is about the network alone, as it was measured:
    where its runtime does one inference at a time, threads wait for each other beside the budget.
    `on_no_fit` is called whenever not even the fastest member is expected to fit any more, once,
    by the thread whose call showed it. `feedback` gets times of the most accurate member only, from
    calls that no other one overlapped: the faster ones run while the board is slow, and would look
    slower than they are beside it.
    """

    def __init__(
        self,
        rungs: Sequence[Rung],
        load: Callable[[Rung], Runner[X, Y]],
        budget_ms: float,
        percentile: float = 95,
        *,
        on_no_fit: Callable[[NoFit], None] | None = None,
        feedback: Feedback | None = None,
        hold_s: float = HOLD_S,
        headroom: float = HEADROOM,
        clock: Callable[[], int] = time.monotonic_ns,
        executor: Executor | None = None,
    ) -> None:
        self._control = Controller(rungs, budget_ms, percentile, hold_s=hold_s, headroom=headroom)
        self._rungs, self._budget_ms, self._percentile = tuple(rungs), budget_ms, percentile
        self._clock, self._on_no_fit, self._feedback = clock, on_no_fit, feedback
        self._lock = threading.Lock()
        self._calls = [0] * len(rungs)
        self._misses = self._down = self._up = self._no_fit = 0
        self._inside = self._entered = 0
        self._closed = False
        self._best = len(rungs) - 1
        self._own_executor = executor is None
        self._executor = executor or ThreadPoolExecutor(1, "edgefacet-serve")
        self._deck = Deck(rungs, load, self._executor.submit, self._control.current)
        self._deck.want(self._control.current)

    def __call__(self, x: X) -> Y:
        """One inference. Raises what the member raises, and Closed."""
        with self._lock:
            if self._closed:
                raise Closed("the server is closed: call Family.serve again")
            rung, runner = self._deck.active
            self._inside += 1
            self._entered += 1
            turn = self._entered if self._inside == 1 else 0
        try:
            outputs, took_ns = runner.run(runner.prepare(x))
        except BaseException:
            with self._lock:
                self._inside -= 1
            raise
        with self._lock:
            self._inside -= 1
            no_fit = self._note(rung, max(1, took_ns) / _NS_PER_MS, self._clock(), turn)
        if no_fit is not None and self._on_no_fit is not None:  # may take its time: no lock is held
            self._on_no_fit(no_fit)
        return runner.read(outputs)

    @property
    def counters(self) -> Counters:
        """As of now."""
        with self._lock:
            names = [rung.name for rung in self._rungs]
            feedback, problems = self._feedback, self._deck.problems
            if feedback and feedback.problem:
                problems = (*problems, feedback.problem)
            return Counters(
                calls=sum(self._calls),
                misses=self._misses,
                down=self._down,
                up=self._up,
                no_fit=self._no_fit,
                factor=self._control.slow_down.factor,
                fits=self._control.fits,
                member=names[self._control.current],
                by_member=dict(zip(names, self._calls, strict=True)),
                reported=feedback.written if feedback else 0,
                dropped=feedback.dropped if feedback else 0,
                problems=problems,
            )

    def close(self) -> None:
        """Leave what is left of the feedback, and let go of the members. May be called twice."""
        with self._lock:
            self._closed = True
            batch = self._feedback.take() if self._feedback else None
        if self._own_executor:
            self._executor.shutdown(wait=True)
        if self._feedback and batch:
            self._feedback.write(batch)
        self._deck.clear()

    def __enter__(self) -> Server[X, Y]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _note(self, rung: int, latency_ms: float, now_ns: int, turn: int) -> NoFit | None:
        """Count a call and choose anew; why nothing fits, where that begins with this call."""
        self._calls[rung] += 1
        self._misses += latency_ms > self._budget_ms
        if self._closed:
            return None
        control = self._control
        before, fitted = control.current, control.fits
        control.observe(rung, latency_ms, now_ns / _NS_PER_S)
        if control.current != before:
            self._down += control.current < before
            self._up += control.current > before
            self._deck.want(control.current)  # under the lock: the last one asked for is right
        if self._feedback is not None and rung == self._best and turn == self._entered:
            batch = self._feedback.add(self._rungs[rung].name, latency_ms)
            if batch:
                self._executor.submit(self._feedback.write, batch)
        if control.fits or not fitted:
            return None
        self._no_fit += 1
        return self._explain()

    def _explain(self) -> NoFit:
        fastest, factor = self._rungs[0], self._control.slow_down.factor
        bound_ms = fastest.bound_ms * factor
        return NoFit(
            f"the board is {factor:.2f} times slower than when it was measured: "
            f"p{self._percentile:g} of the fastest member, {fastest.name}, is about "
            f"{bound_ms:.3f} ms, above the budget of {self._budget_ms:g} ms; it goes on running",
            fastest.name,
            bound_ms - self._budget_ms,
        )
