import json
from pathlib import Path

import pytest

from benchmarks import harness
from benchmarks.harness import BARE, CONTROL, HARNESS, Agreement, agree, compare, to_lines, to_text
from benchmarks.rivals.bare import time_block
from benchmarks.rivals.loadgen import read_median_ns


def test_the_ratio_is_that_of_neighbours_and_drift_leaves_it_alone() -> None:
    # Both become twice as slow in the second half; ours takes 1 % more all the time.
    assert agree([[101, 202]] * 3, [[100, 200]] * 3) == pytest.approx((1.01, 0.0))


def test_the_noise_is_the_spread_between_repetitions() -> None:
    # Medians of the rounds 1.00 and 1.02: mean 1.01, sd 0.01414, t(1) = 12.706, over sqrt(2).
    ratio, half = agree([[100, 100, 500], [102, 102, 50]], [[100] * 3] * 2)
    assert ratio == pytest.approx(1.01)
    assert half == pytest.approx(0.12706, rel=1e-4)


@pytest.mark.parametrize(
    ("ratio", "half", "bar", "verdict"),
    [
        (1.007, 0.002, 0.01, "holds"),
        (0.985, 0.002, 0.01, "fails"),
        (1.0, 0.02, 0.01, "unclear"),
        (1.015, 0.006, 0.01, "unclear"),
        (1.2, 0.0, None, ""),
    ],
)
def test_a_bar_is_kept_or_failed_only_beyond_the_noise(
    ratio: float, half: float, bar: float | None, verdict: str
) -> None:
    assert Agreement("m", "r", "a", "b", 1.0, ratio, half, bar).verdict == verdict


def test_everybody_is_compared_with_whom_the_table_says(monkeypatch: pytest.MonkeyPatch) -> None:
    def repetition(*_: object) -> harness.Medians:
        return {HARNESS: [2.02e6] * 3, BARE: [2e6] * 3, CONTROL: [1.99e6] * 3}

    monkeypatch.setattr(harness, "repetition", repetition)
    found = compare("small", "litert", Path("small.tflite"), repetitions=2, rounds=3)
    assert [(one.ours, one.theirs, round(one.ratio, 3), one.verdict) for one in found] == [
        (HARNESS, BARE, 1.01, "holds"),
        (CONTROL, BARE, 0.995, ""),
    ]
    row = " ".join(to_text(found).splitlines()[2].split())
    assert row == "harness / bare loop small litert 2.000 +1.00 0.00 3 holds"
    assert max(map(len, to_text(found).splitlines())) <= 80


def test_a_line_per_comparison_says_what_came_out() -> None:
    (line,) = to_lines([Agreement("m", "r", "a", "b", 1.0, 1.0, 0.0, 0.01)]).splitlines()
    assert json.loads(line)["verdict"] == "holds"


def test_a_bare_loop_times_every_run_of_its_time() -> None:
    calls: list[int] = []
    assert time_block(lambda: calls.append(0), 0.001) > 0
    assert len(calls) > 5


def test_the_median_of_loadgen_is_read_from_its_summary() -> None:
    summary = (
        "90.00 percentile latency (ns)   : 300\n"
        "50.00 percentile latency (ns)   : 5012345\n95.00 percentile latency (ns)   : 1\n"
    )
    assert read_median_ns(summary) == 5_012_345
    with pytest.raises(ValueError, match="no 50th percentile"):
        read_median_ns("")
