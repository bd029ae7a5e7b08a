from dataclasses import replace

from benchmarks.pick.policies import LARGEST, MEAN, ORACLE, PICK, SERVE, Outcome
from benchmarks.pick.results import HEAD, bars, bookkeeping_bar, cells, outcome, row, totals

BASE = Outcome(SERVE, 1000, 500, 10, 450.0, 2)


def rows(scenario, serve_misses, mean_misses=40):
    found = [
        replace(BASE, misses=serve_misses),
        replace(BASE, policy=LARGEST, misses=400, accuracy=475.0),
        replace(BASE, policy=MEAN, misses=mean_misses),
        replace(BASE, policy=PICK, misses=30),
        replace(BASE, policy=ORACLE, misses=0, accuracy=452.0),
    ]
    return [row("simulated", scenario, one, budget_ms=1.0) for one in found]


def test_a_row_is_read_back():
    (first, *_) = rows("steps", 10)
    assert first["scenario"] == "steps"
    assert outcome(first) == BASE


def test_totals_are_over_all_scenarios():
    every = totals(rows("steps", 10) + rows("ramps", 15))
    assert every[SERVE].misses == 25
    assert every[MEAN].feasible == 1000


def test_bars_hold_or_fail_by_the_worst_scenario_and_by_the_total():
    held = bars(rows("steps", 10) + rows("ramps", 25))
    assert held == [
        "holds  misses in the worst scenario, ramps: 5.00 %, at most 5 %",
        "holds  fewer misses than the pick by mean latency: 2.3 times, at least 1.6 times",
        "holds  accuracy below the oracle: 0.40 points, at most 0.5 points",
    ]
    failed = bars(rows("steps", 10) + rows("ramps", 26, mean_misses=16))
    assert [line[:5] for line in failed] == ["FAILS", "FAILS", "holds"]


def test_bookkeeping_has_a_bar_of_its_own():
    assert bookkeeping_bar(7.23) == "holds  bookkeeping of a call: 7.2 µs, at most 20 µs"
    assert bookkeeping_bar(20.1).startswith("FAILS")


def test_cells_are_as_many_as_headings():
    (line,) = cells(rows("steps", 10))
    assert len(line) == len(HEAD)
    assert line[:4] == ["steps", "1", "50", "2.00"]
    assert line[4:8] == ["80.00", "8.00", "6.00", "0.00"]  # largest, mean, pick, oracle
    assert line[-3:] == ["90.00", "90.40", "2.00"]
