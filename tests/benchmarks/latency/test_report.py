from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.latency.report import as_text, bars, draw
from benchmarks.latency.splits import MACS, OURS, Score


def score(
    method: str, n: int, error: float, within_10: float = 1.0, coverage: float | None = None
) -> Score:
    return Score(method, n, 200, error, 0.75, within_10, 0.987, 0.9, coverage)


GOOD = [
    score(OURS, 5, 2.4, coverage=0.9),
    score(MACS, 5, 5.0),
    score(OURS, 10, 1.9, within_10=0.995, coverage=0.9),
]


def test_rows_are_in_order_and_carry_their_units() -> None:
    lines = as_text(GOOD).splitlines()
    assert lines[2].split() == [
        *OURS.split(),
        "5",
        "2.40",
        "75.0",
        "100.0",
        "0.987",
        "0.900",
        "90.0",
    ]
    assert lines[3].split()[-1] == "-"  # MACs give no interval
    assert lines[4].split()[2] == "10"


def test_bars_that_are_met() -> None:
    assert all(line.startswith("holds") for line in bars(GOOD, noise_percent=0.5))
    assert "holds  error at n = 5, %: 2.40, at most 2.50" in bars(GOOD, noise_percent=0.5)


def test_bars_that_are_not() -> None:
    bad = [
        score(OURS, 5, 2.6, coverage=0.84),
        score(MACS, 5, 5.0),
        score(OURS, 10, 2.1, within_10=0.98, coverage=0.94),
    ]
    assert all(line.startswith("FAILS") for line in bars(bad, noise_percent=0.5))


def test_the_standard_error_of_the_coverage_stands_beside_it() -> None:
    known = replace(score(OURS, 10, 1.0, coverage=0.86), coverage_se=0.0175)
    line = "FAILS  coverage at n = 10, %: 86.00 ± 1.75, at least 87.00, at most 93.00"
    assert line in bars([known], noise_percent=0.5)


def test_noise_gives_room_where_it_is_above_one_percent() -> None:
    above = [score(OURS, 10, 3.3)]
    assert bars(above, noise_percent=1.0)[0].startswith("FAILS")
    (line, _) = bars(above, noise_percent=1.4)
    assert line == "holds  error at n = 10, %: 3.30, at most 3.40 = 2.00 + 1.40 of noise"


def test_a_lenient_bar_says_so() -> None:
    assert bars([score(OURS, 10, 3.1)], 0.5, lenience=1.5)[0].startswith("FAILS")
    (line, _) = bars([score(OURS, 10, 2.9)], 0.5, lenience=1.5)
    assert line == "holds  error at n = 10, %: 2.90, at most 3.00 = 1.5 × 2.00"
    (line, _) = bars([score(OURS, 10, 2.9)], 1.4, lenience=1.5)
    assert line.endswith("at most 4.40 = 1.5 × 2.00 + 1.40 of noise")


def test_half_the_error_of_macs_is_half_of_it_with_any_lenience() -> None:
    found = bars([score(OURS, 5, 2.6), score(MACS, 5, 5.0)], 1.4, lenience=1.5)
    line = "FAILS  error at n = 5 against half that of MACs, %: 2.60, at most 2.50"
    assert line in found


def test_what_was_not_studied_has_no_bar() -> None:
    assert bars([score(OURS, 0, 9.0)], noise_percent=0.5) == []


def test_the_drawing_names_every_method(tmp_path: Path) -> None:
    path = tmp_path / "new" / "latency.svg"
    draw([*GOOD, score(OURS, 0, 5.0, coverage=0.9)], 0.5, "a board", path)
    assert path.read_text().startswith("<?xml")
