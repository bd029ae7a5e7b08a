import pytest

from edge.hub.errors import TooOften
from edge.hub.limiter import Limiter, Turns


def test_a_bucket_each():
    now_s = 0.0
    limiter = Limiter(2.0, 3, lambda: now_s)
    assert [limiter.wait_s(1) for _ in range(4)] == [0, 0, 0, 0.5]
    assert limiter.wait_s(2) == 0
    now_s = 0.25
    assert limiter.wait_s(1) == 0.25
    now_s = 0.5
    assert [limiter.wait_s(1), limiter.wait_s(1)] == [0, 0.5]
    now_s = 1000.0
    assert [limiter.wait_s(1) for _ in range(4)] == [0, 0, 0, 0.5]


def test_so_many_calls_of_a_caller_are_under_way_at_a_time():
    turns = Turns(2)
    with turns.taken(1), turns.taken(2):
        with turns.taken(1), pytest.raises(TooOften), turns.taken(1):
            pass
        with pytest.raises(ZeroDivisionError), turns.taken(1):
            raise ZeroDivisionError
        with turns.taken(1):
            pass
