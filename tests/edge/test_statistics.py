from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.statistics import (
    NoSamples,
    median_ms,
    order_statistic,
    percentile_bounds,
    summarise,
    t_quantile,
)

MS = 1_000_000
DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize(
    ("confidence", "degrees", "expected"),
    [  # the tables at the end of every textbook
        (0.95, 1, 12.706),
        (0.95, 2, 4.303),
        (0.95, 4, 2.776),
        (0.95, 6, 2.447),
        (0.95, 30, 2.042),
        (0.99, 5, 4.032),
        (0.90, 7, 1.895),
        (0.95, 1000, 1.962),
    ],
)
def test_t_quantile_is_that_of_the_tables(confidence: float, degrees: int, expected: float) -> None:
    assert t_quantile(confidence, degrees) == pytest.approx(expected, abs=5e-4)


def test_the_interval_is_the_t_interval_of_the_block_medians() -> None:
    # Block medians 8, 9, 10, 11, 12 ms: mean 10, sd sqrt(2.5), half 2.776 * sqrt(2.5 / 5).
    summary = summarise([[m * MS] * 3 for m in (8, 9, 10, 11, 12)])
    assert summary.median_ms == 10
    assert summary.lo_ms == pytest.approx(10 - 1.963, abs=1e-3)
    assert summary.hi_ms == pytest.approx(10 + 1.963, abs=1e-3)
    assert (summary.min_ms, summary.n, summary.blocks) == (8, 15, 5)


def test_few_blocks_give_their_range() -> None:
    summary = summarise([[3 * MS], [1 * MS, 1 * MS, 9 * MS], [2 * MS]])
    assert (summary.lo_ms, summary.median_ms, summary.hi_ms) == (1, 2, 3)


def test_the_interval_holds_the_median_of_unequal_blocks() -> None:
    # 100 of 104 runs take 1 ms but four of five block medians are 5 ms.
    summary = summarise([[1 * MS] * 100, *[[5 * MS]] * 4])
    assert summary.median_ms == 1
    assert summary.lo_ms <= 1


def test_nothing_to_summarise_is_an_error() -> None:
    for of in (summarise, median_ms):
        with pytest.raises(NoSamples, match="measure at least one run"):
            of([[], []])


@pytest.mark.parametrize(
    ("quantile", "confidence", "runs"),
    [  # MLPerf LoadGen's table
        (0.90, 0.95, 46),
        (0.95, 0.95, 93),
        (0.99, 0.95, 473),
        (0.90, 0.99, 64),
        (0.95, 0.99, 130),
        (0.99, 0.99, 662),
    ],
)
def test_order_statistic_needs_as_many_runs_as_loadgen(
    quantile: float, confidence: float, runs: int
) -> None:
    assert order_statistic(runs - 1, quantile, confidence) is None
    assert order_statistic(runs, quantile, confidence) == 1


def test_order_statistic_by_hand() -> None:
    # P(all five below the median) = 1/32 <= 5 %, P(at most one above) = 6/32: no outlier allowed.
    assert order_statistic(5, 0.5, 0.95, least=0) == 0
    assert order_statistic(5, 0.5, 0.95) is None
    # P(Bin(8, 1/2) <= 1) = 9/256 = 3.5 %.
    assert order_statistic(8, 0.5, 0.95) == 1
    assert order_statistic(0, 0.5, 0.95) is None


def test_too_few_runs_bound_nothing() -> None:
    summary = summarise([[1 * MS] * 15] * 3)
    assert summary.n == 45
    assert summary.p90_ms is None
    assert summary.p95_ms is None
    assert summary.p99_ms is None


def test_equal_runs_are_their_own_percentiles() -> None:
    summary = summarise([[2 * MS] * 100] * 5)
    assert (summary.p90_ms, summary.p95_ms, summary.p99_ms) == (2, 2, 2)


def test_bounds_are_ordered_and_never_below_the_median() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        blocks = [rng.exponential(1.0, 300) * rng.uniform(1, 1.5) for _ in range(5)]
        bounds = percentile_bounds(blocks, (0.9, 0.95, 0.99))
        known = [bound for bound in bounds if bound is not None]
        assert known == sorted(known)
        assert bounds == known + [None] * (3 - len(known))  # only the far ones are missing
        assert known[0] >= np.median(np.concatenate(blocks))


def _independent(rng: np.random.Generator, runs: int) -> np.ndarray:
    return np.where(rng.random(runs) < 0.07, 2.0, 1.0) + rng.random(runs) / 10


def _bursty(rng: np.random.Generator, runs: int) -> np.ndarray:
    """7 % of all runs are slow, in bursts of ten."""
    slow = np.repeat(rng.random(runs // 10) < 0.07, 10)
    return np.where(slow, 2.0, 1.0) + rng.random(runs) / 10


@pytest.mark.parametrize("draw", [_independent, _bursty])
def test_the_bound_of_p95_holds_nineteen_times_in_twenty(draw) -> None:  # type: ignore[no-untyped-def]
    """7 % of all runs are uniform in 2.0 .. 2.1."""
    rng = np.random.default_rng(1)
    true_p95 = 2.0 + 0.1 * 2 / 7  # 2 of the slow 7 % lie below it
    trials = 200
    bounds = [
        percentile_bounds([draw(rng, 500) for _ in range(7)], (0.9, 0.95))[1] for _ in range(trials)
    ]
    missed = sum(bound is not None and bound < true_p95 for bound in bounds)
    assert sum(bound is None for bound in bounds) < trials // 20
    assert missed <= 0.08 * trials  # 5 % and twice the standard error of 200 trials


@pytest.mark.parametrize("model", ["short", "long"])
@pytest.mark.parametrize("quantile", [0.9, 0.95, 0.99])
def test_bounds_hold_on_recorded_series(model: str, quantile: float) -> None:
    """Sessions of 13 blocks, drawn from 100 that were recorded on a busy machine."""
    series = np.load(DATA / "series.npz")[model] / MS
    truth = np.quantile(series, quantile)
    rng = np.random.default_rng(4)
    trials = 200
    bounds = []
    for _ in range(trials):
        session = series[rng.choice(len(series), 13, replace=False)]
        bounds += [b for b in percentile_bounds(list(session), (quantile,)) if b is not None]
    assert len(bounds) > 0.95 * trials
    assert np.mean(np.array(bounds) >= truth) >= 0.93
    # and say something: at most five sixths of the slower runs lie below them
    assert np.median(bounds) <= np.quantile(series, quantile + (1 - quantile) * 5 / 6)


def test_blocks_at_two_clocks_still_have_a_bound_and_it_holds() -> None:
    """Every other block, by chance, runs at 1.15 times the time: what turbo clocks do."""
    rng = np.random.default_rng(3)
    true_p95 = 1.15 * (1 + 0.1 * 0.9)  # the slowest twentieth is a tenth of the slow half
    trials = 200

    def session() -> list[np.ndarray]:
        clocks = np.where(rng.random(7) < 0.5, 1.15, 1.0)
        return [clock * (1 + rng.random(500) / 10) for clock in clocks]

    bounds = [percentile_bounds(session(), (0.9, 0.95))[1] for _ in range(trials)]
    assert None not in bounds
    assert sum(bound < true_p95 for bound in bounds) <= 0.08 * trials
    assert max(bounds) <= 1.15 * 1.1  # no more than the slowest run there can be


def test_a_burst_counts_as_little_evidence() -> None:
    """The same runs, in bursts and shuffled: the bursts say less, so their bound is higher."""
    rng = np.random.default_rng(2)
    runs = _bursty(rng, 3500)
    scattered = rng.permutation(runs)
    tight = percentile_bounds(list(scattered.reshape(7, 500)), (0.9,))[0]
    loose = percentile_bounds(list(runs.reshape(7, 500)), (0.9,))[0]
    assert tight is not None
    assert loose is not None
    assert tight < loose


_RUNS_NS = st.lists(st.integers(1, 10**9), min_size=1, max_size=60)


@given(st.lists(_RUNS_NS, min_size=1, max_size=8), st.integers(1, 40))
def test_no_bound_lies_below_the_median(blocks: list[list[int]], copies: int) -> None:
    """Also where runs are many and wild: a block may be as long as `copies` of it."""
    found = summarise([block * copies for block in blocks])
    assert found.min_ms <= found.median_ms == median_ms([block * copies for block in blocks])
    assert found.lo_ms <= found.median_ms <= found.hi_ms
    bounds = [found.median_ms, found.p90_ms, found.p95_ms, found.p99_ms]
    known = [bound for bound in bounds if bound is not None]
    assert known == sorted(known)  # a higher percentile has no lower bound
    assert bounds[: len(known)] == known  # nor is it known where a lower one is not
