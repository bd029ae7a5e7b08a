from edge.hub.limiter import Limiter


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
