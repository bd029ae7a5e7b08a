from benchmarks.pick.page import section
from tests.benchmarks.pick.test_results import rows


def test_every_part_has_its_rows_and_its_bars():
    real = [
        one | {"part": "real", "device": "a board", "runtime": "litert"} for one in rows("spin", 30)
    ]
    bookkeeping = [{"part": "bookkeeping", "device": "a board", "us": 7.23}]
    text = section([*rows("steps", 10), *real, *bookkeeping])
    made_up, beside, alone = text.split("\n### ")[1:]
    assert "1 thousand calls each" in made_up
    assert "| steps | 1 | 50 | 2.00 |" in made_up
    assert "- holds  misses in the worst scenario, steps: 2.00 %" in made_up
    assert "a board, litert." in beside
    assert "- FAILS  misses in the worst scenario, spin: 6.00 %" in beside
    assert "- holds  bookkeeping of a call: 7.2 µs" in alone


def test_what_was_not_measured_is_left_out():
    assert section([]) == ""
    assert "Real members" not in section(rows("steps", 10))
