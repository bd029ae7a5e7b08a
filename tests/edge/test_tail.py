import math

import pytest

from edge.record import Conditions, Measurement, Subject, Target
from edge.tail import UnknownPercentile, one_sided_t, tail_ratio

TARGET = Target(
    device="board", runtime="ort", runtime_version="1", provider="cpu", precision="fp32", threads=1
)


def record(slow_ms: float, runs: int = 100, median_ms: float = 1.0) -> Measurement:
    """One run in ten is slow."""
    samples = [round(1e6 * (slow_ms if i % 10 == 0 else median_ms)) for i in range(runs)]
    return Measurement(
        subject=Subject(kind="network", name="n", sha256="0"),
        target=TARGET,
        conditions=Conditions(wall_time="2026-01-01T00:00:00+00:00"),
        warmup_ns=(),
        samples_ns=(tuple(samples),),
        verdict="clean",
    )


@pytest.mark.parametrize(
    ("probability", "freedom", "expected"),
    [  # from the table in Abramowitz and Stegun, 26.10
        (0.95, 3, 2.353),
        (0.95, 4, 2.132),
        (0.95, 10, 1.812),
        (0.975, 5, 2.571),
        (0.95, 1e9, 1.645),
        (0.05, 10, -1.812),
    ],
)
def test_one_sided_t(probability: float, freedom: float, expected: float) -> None:
    assert one_sided_t(probability, freedom) == pytest.approx(expected, abs=2e-3)


def test_without_records_it_is_the_prior() -> None:
    tail = tail_ratio([], 95, 0.9)
    assert tail.n == 0
    assert tail.ratio == pytest.approx(math.exp(0.10))
    # t with 3 degrees of freedom: 2.353; scale 0.05 sqrt(1 + 1/1)
    assert tail.hi == pytest.approx(math.exp(0.10 + 2.353 * 0.05 * math.sqrt(2)), rel=1e-3)
    assert tail.lo == 1.0  # not below the median


def test_one_record_counts_as_much_as_the_prior() -> None:
    tail = tail_ratio([(record(slow_ms=1.5), 1.0)], 95, 0.9)
    assert tail.ratio == pytest.approx(math.exp((0.10 + math.log(1.5)) / 2))
    assert tail.n == 1


def test_many_records_decide_and_the_bound_closes_in() -> None:
    few = tail_ratio([(record(1.5), 1.0)] * 5, 95, 0.9)
    many = tail_ratio([(record(1.5), 1.0)] * 500, 95, 0.9)
    assert many.ratio == pytest.approx(1.5, rel=1e-2)
    assert 1.5 < many.hi < few.hi


def test_a_faded_record_counts_less() -> None:
    fresh = tail_ratio([(record(2.0), 1.0)], 95, 0.9)
    faded = tail_ratio([(record(2.0), 0.1)], 95, 0.9)
    assert tail_ratio([], 95, 0.9).ratio < faded.ratio < fresh.ratio


def test_short_records_do_not_show_a_high_percentile() -> None:
    assert tail_ratio([(record(2.0, runs=40), 1.0)], 95, 0.9).n == 1
    assert tail_ratio([(record(2.0, runs=30), 1.0)], 95, 0.9).n == 0
    assert tail_ratio([(record(2.0, runs=100), 1.0)], 99, 0.9).n == 0


def test_unknown_percentile() -> None:
    with pytest.raises(UnknownPercentile, match="choose one of 90, 95, 99"):
        tail_ratio([], 42, 0.9)
