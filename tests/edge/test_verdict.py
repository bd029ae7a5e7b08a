import pytest

from edge.record import Conditions
from edge.verdict import block_difference, judge, robust_cv

STEADY = [[1000] * 50] * 5
SEEN = Conditions(
    wall_time="now", clock_mhz_before=1800, clock_mhz_after=1800,
    temperature_c_before=50, temperature_c_after=52, throttled=False, other_cpu_load=0.01,
)  # fmt: skip


def test_nothing_against_it_is_clean() -> None:
    assert judge(STEADY, SEEN) == ("clean", ())


@pytest.mark.parametrize("sensor", ["clock_mhz_after", "temperature_c_before", "other_cpu_load"])
def test_a_missing_sensor_leaves_it_unverified(sensor: str) -> None:
    assert judge(STEADY, SEEN.model_copy(update={sensor: None})) == ("clean-unverified", ())


@pytest.mark.parametrize(
    ("change", "verdict", "reason"),
    [
        ({"throttled": True}, "invalid", "the device throttled"),
        ({"clock_mhz_after": 1700}, "invalid", "the clock dropped by 5.6%"),
        ({"temperature_c_after": 61}, "suspect", "the temperature rose by 11.0 °C"),
        ({"other_cpu_load": 0.2}, "suspect", "others used 20.0% of the CPU"),
    ],
)
def test_conditions_that_speak_against_it(
    change: dict[str, object], verdict: str, reason: str
) -> None:
    assert judge(STEADY, SEEN.model_copy(update=change)) == (verdict, (reason,))


@pytest.mark.parametrize(
    "change",
    [{"clock_mhz_after": 1750}, {"temperature_c_after": 60}, {"other_cpu_load": 0.1}],
)
def test_conditions_within_the_limits(change: dict[str, object]) -> None:
    assert judge(STEADY, SEEN.model_copy(update=change)) == ("clean", ())


def test_too_little_is_not_trusted() -> None:
    assert judge([[1000] * 100] * 2, SEEN) == ("invalid", ("too few blocks of runs: 2 of 3",))
    assert judge([[1000] * 20] * 3, SEEN) == ("suspect", ("too few runs: 60 of 150",))


def test_blocks_that_differ_are_suspect() -> None:
    blocks = [[ns] * 50 for ns in (1000, 1000, 1000, 1080, 1080)]
    assert judge(blocks, SEEN) == ("suspect", ("block medians differ by 8.0%",))


def test_one_disturbed_block_of_five_is_forgiven_but_not_of_three() -> None:
    assert block_difference([[1000], [1000], [1000], [1000], [2000]]) == 0
    assert block_difference([[1000], [1000], [2000]]) == 1


def test_a_few_slow_runs_are_no_spread_but_many_are() -> None:
    # 10 of 100 runs take ten times as long: the classic CV would be 1.4.
    assert robust_cv([[1000] * 90 + [10_000] * 10]) == 0
    # Half 900, half 1100: median 1000, every distance 100.
    wide = [[900] * 25 + [1100] * 25] * 5
    assert robust_cv(wide) == pytest.approx(0.14826)
    assert judge(wide, SEEN) == ("suspect", ("runs vary by 14.8%",))
