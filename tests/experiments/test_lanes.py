import threading

import pytest

from experiments.lanes import in_lanes


def test_one_worker_goes_lane_after_lane():
    done = []
    in_lanes(["a0", "a1", "b0", "a2"], lambda item: item[0], done.append, workers=1)
    assert done == ["a0", "a1", "a2", "b0"]


def test_two_workers_run_two_lanes_at_a_time_and_no_lane_twice():
    both = threading.Barrier(2, timeout=10)  # breaks where the two lanes do not meet
    seen = []

    def work(item):
        both.wait()
        seen.append(item)

    in_lanes(["a0", "b0", "a1", "b1"], lambda item: item[0], work, workers=2)
    assert sorted(seen) == ["a0", "a1", "b0", "b1"]
    assert [item for item in seen if item[0] == "a"] == ["a0", "a1"]


def test_after_a_failure_nothing_begins_and_it_is_raised():
    done = []

    def work(item):
        if item == "a0":
            raise ValueError("no more a")
        done.append(item)

    with pytest.raises(ValueError, match="no more a"):
        in_lanes(["a0", "a1", "b0"], lambda item: item[0], work, workers=1)
    assert done == []
