from __future__ import annotations

import statistics

from hypothesis import given
from hypothesis import strategies as st

from edge.record import MAX_SAMPLE_NS, parse
from edge.thin import KEPT, is_thin, thin, thin_block
from tests.edge.agent.boards import record

blocks = st.lists(st.integers(1, MAX_SAMPLE_NS), min_size=1, max_size=500)


def test_of_a_hundred_runs_every_second_is_kept_in_its_old_order() -> None:
    slowest_first = tuple(range(100, 0, -1))
    kept = thin_block(slowest_first)
    assert kept == tuple(reversed([*range(2, 50, 2), 50, 51, *range(53, 101, 2)]))


def test_the_middle_run_of_an_odd_number_stays() -> None:
    assert len(thin_block(range(101))) == 49
    assert statistics.median(thin_block(range(101))) == 50


def test_few_runs_stay_as_they_are() -> None:
    assert thin_block([3, 1, 2]) == (3, 1, 2)
    assert thin_block(range(50)) == tuple(range(50))


@given(blocks)
def test_the_median_stays(block: list[int]) -> None:
    kept = thin_block(block)
    assert len(kept) <= KEPT
    assert statistics.median(kept) == statistics.median(block)


@given(blocks)
def test_thinning_twice_is_thinning_once(block: list[int]) -> None:
    assert thin_block(thin_block(block)) == thin_block(block)


def test_a_thin_record_is_a_record_with_the_same_verdict() -> None:
    whole = record(runs=2000).model_copy(
        update={"warmup_ns": tuple(range(1, 101)), "verdict": "suspect", "reasons": ("hot",)}
    )
    thinned = thin(whole)
    assert parse(thinned.to_json()) == thinned
    assert [len(block) for block in thinned.samples_ns] == [50, 50, 50]
    assert thinned.warmup_ns == tuple(range(1, 51))
    assert (thinned.verdict, thinned.reasons) == ("suspect", ("hot",))
    assert thinned.subject == whole.subject
    assert thinned.id != whole.id


def test_a_thin_record_is_returned_as_it_is() -> None:
    small = record(runs=50)
    assert is_thin(small)
    assert thin(small) is small
    assert not is_thin(record(runs=51))
