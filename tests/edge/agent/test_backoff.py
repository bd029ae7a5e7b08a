from __future__ import annotations

import random

from edge.agent.backoff import Backoff


class Most(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return b


def test_the_ceiling_doubles_from_5_seconds_to_15_minutes() -> None:
    backoff = Backoff(Most())
    waits = [backoff.failed() for _ in range(10)]
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]


def test_the_jitter_is_full() -> None:
    waits = [Backoff(random.Random(seed)).failed() for seed in range(200)]
    assert min(waits) < 0.5
    assert max(waits) > 4.5


def test_it_begins_anew_after_a_success() -> None:
    backoff = Backoff(Most())
    backoff.failed()
    backoff.failed()
    assert backoff.failures == 2
    backoff.succeeded()
    assert (backoff.failures, backoff.failed()) == (0, 5)


def test_what_the_hub_asks_for_is_the_least_up_to_an_hour() -> None:
    assert Backoff(Most()).failed(120) == 125
    assert Backoff(Most()).failed(10**9) == 3605


def test_a_year_of_failures_overflows_nothing() -> None:
    backoff = Backoff(Most())
    assert [backoff.failed() for _ in range(5000)][-1] == 900
