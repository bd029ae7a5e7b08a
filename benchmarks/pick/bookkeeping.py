"""What a call of a server costs around its network."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from benchmarks.pick import protocol
from edge.serving.controller import Rung, ladder
from edge.serving.server import Server

_CALLS, _ROUNDS = 2000, 9
_NS_PER_US = 1000


class _Nothing:
    """A member that does nothing at all, and says that it took as long as it was measured."""

    took_ns = round(1e6 * protocol.MEMBERS[-1].median_ms)

    def prepare(self, x: int) -> int:
        return x

    def run(self, prepared: object) -> tuple[object, int]:
        return prepared, self.took_ns

    def read(self, outputs: object) -> object:
        return outputs


def bookkeeping_us() -> float:
    """Microseconds a call of a server takes longer than the member alone, median of rounds."""
    budget_ms = protocol.BUDGETS_MS[-1]

    def load(_: Rung) -> _Nothing:
        return _Nothing()

    with Server(ladder(protocol.MEMBERS, budget_ms), load, budget_ms) as server:
        member = _Nothing()
        through = [_round_us(server) for _ in range(_ROUNDS)]
        direct = [_round_us(lambda x: member.run(member.prepare(x))) for _ in range(_ROUNDS)]
    return median(through) - median(direct)


def _round_us(call: Callable[[int], object]) -> float:
    began = time.perf_counter_ns()
    for x in range(_CALLS):
        call(x)
    return (time.perf_counter_ns() - began) / _CALLS / _NS_PER_US
