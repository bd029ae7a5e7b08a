from benchmarks.pick.page import section
from benchmarks.pick.policies import LARGEST, MEAN, PICK
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


def test_where_no_policy_picks_another_member_there_is_no_bar_about_picking():
    about = {"part": "real", "device": "a board", "runtime": "litert"}
    real = [
        one | about | ({"misses": 500} if one["policy"] in (LARGEST, MEAN, PICK) else {})
        for one in rows("none", 30)
    ]
    same = [one | {"accuracy": 475.0} if one["misses"] == 500 else one for one in real]
    text = section(same)
    assert "Calls without load that the pick missed: 500 of 500 at 1 ms.\n" in text
    assert "| none | 1 | 50 | 6.00 | 100.00 | 100.00 | 100.00 | 0.00 |" in text
    assert "The three that never change are the same network" in text
    assert "fewer misses" not in text
    others = section(real)  # the largest is more accurate than what was picked
    assert "The three" not in others
    assert "fewer misses than the pick by mean latency: 16.7 times" in others


def test_a_pick_by_mean_latency_that_is_the_products_own_is_said_to_be():
    ours = [one | {"misses": 40} if one["policy"] == PICK else one for one in rows("steps", 10)]
    assert "the same network as that by the percentile" in section(ours)
    assert "the same network as that by the percentile" not in section(rows("steps", 10))


def test_what_was_not_measured_is_left_out():
    assert section([]) == ""
    assert "Real members" not in section(rows("steps", 10))
