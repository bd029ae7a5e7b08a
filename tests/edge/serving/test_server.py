from __future__ import annotations

import threading
from concurrent.futures import Executor, Future
from typing import Any

import pytest

from edge.agent.inbox import Inbox
from edge.serving.controller import Rung
from edge.serving.feedback import Feedback
from edge.serving.server import Closed, Server
from tests.edge.serving.test_feedback import LINE

RUNGS = [
    Rung("small", 0.90, 2.0, 2.2),
    Rung("middle", 0.92, 4.0, 4.4),
    Rung("large", 0.95, 8.0, 8.8),
]
PAUSE_NS = 100_000_000


class AtOnce(Executor):
    """Does what it is given before it returns."""

    def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        work(*args, **kwargs)
        return Future()


class Board:
    """A clock, and members that move it: `factor` times as long as they were measured."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.factor = 1.0

    def clock(self) -> int:
        return self.now_ns

    def load(self, rung: Rung) -> Member:
        return Member(self, rung)


class Member:
    def __init__(self, board: Board, rung: Rung) -> None:
        self.board, self.rung = board, rung

    def prepare(self, x: int) -> int:
        self.board.now_ns += PAUSE_NS  # between two inferences, and not in any latency
        return 10 * x

    def run(self, prepared: int) -> tuple[tuple[str, int], int]:
        if prepared < 0:
            raise ValueError("negative")
        took_ns = round(1e6 * self.rung.median_ms * self.board.factor)
        self.board.now_ns += took_ns
        return (self.rung.name, prepared), took_ns

    def read(self, outputs: tuple[str, int]) -> tuple[str, int]:
        return outputs


@pytest.fixture
def board() -> Board:
    return Board()


def serve(board: Board, **options: Any) -> Server[int, tuple[str, int]]:
    return Server(RUNGS, board.load, 10.0, clock=board.clock, executor=AtOnce(), **options)


def test_a_call_prepares_and_infers_with_the_best_member(board):
    with serve(board) as server:
        assert server(4) == ("large", 40)


def test_the_budget_is_kept_when_the_board_slows_and_the_best_comes_back(board):
    with serve(board) as server:
        names = [server(1)[0] for _ in range(100)]
        board.factor = 1.5
        names += [server(1)[0] for _ in range(100)]
        board.factor = 1.0
        names += [server(1)[0] for _ in range(100)]
        counters = server.counters
    assert set(names[:100]) == {"large"}
    assert set(names[115:200]) == {"middle"}
    assert names[-1] == "large"
    assert (counters.down, counters.up, counters.no_fit) == (1, 1, 0)
    assert counters.calls == 300
    assert counters.by_member == {name: names.count(name) for name in ("small", "middle", "large")}
    assert counters.misses == names[100:].index("middle")  # 12 ms each
    assert counters.miss_share == counters.misses / 300
    assert counters.factor == pytest.approx(1.0, rel=0.05)
    assert counters.member == "large"


def test_where_nothing_fits_it_says_so_once_and_goes_on(board):
    told = []
    with serve(board, on_no_fit=told.append) as server:
        board.factor = 8.0
        names = [server(1)[0] for _ in range(60)]
        (no_fit,) = told
        assert names[-1] == "small"
        assert no_fit.fastest == "small"
        assert no_fit.gap_ms > 0
        assert "times slower than when it was measured" in str(no_fit)
        assert not server.counters.fits
        board.factor = 1.0
        for _ in range(60):
            server(1)
        assert server.counters.fits
        board.factor = 8.0
        for _ in range(60):
            server(1)
        assert len(told) == server.counters.no_fit == 2


def test_an_inference_that_fails_raises_and_counts_for_nothing(board):
    with serve(board) as server:
        with pytest.raises(ValueError, match="negative"):
            server(-1)
        assert server.counters.calls == 0
        assert server(1) == ("large", 10)


def test_a_closed_server_is_closed(board):
    server = serve(board)
    server.close()
    server.close()
    with pytest.raises(Closed, match="is closed"):
        server(1)


def test_a_member_that_will_not_load_leaves_the_others_running(board):
    def load(rung: Rung) -> Member:
        if rung.name == "middle":
            raise ValueError("it is torn")
        return board.load(rung)

    with Server(RUNGS, load, 10.0, clock=board.clock, executor=AtOnce()) as server:
        board.factor = 1.5
        for _ in range(50):
            server(1)
        board.factor = 3.0
        names = [server(1)[0] for _ in range(50)]
        assert server.counters.problems == ("middle: it is torn",)
        assert names[-1] == "small"


def test_waiting_for_other_threads_does_not_slow_the_board(board):
    class Awaited(Member):
        def run(self, prepared):
            self.board.now_ns += PAUSE_NS
            return super().run(prepared)

    load = lambda rung: Awaited(board, rung)  # noqa: E731
    with Server(RUNGS, load, 10.0, clock=board.clock, executor=AtOnce()) as server:
        for _ in range(100):
            server(1)
        counters = server.counters
    assert (counters.misses, counters.down, counters.no_fit) == (0, 0, 0)
    assert counters.factor == pytest.approx(1.0)


def test_a_clock_that_stands_still_is_no_error(board):
    class Instant(Member):
        def run(self, prepared):
            return (self.rung.name, prepared), 0

    load = lambda rung: Instant(board, rung)  # noqa: E731
    with Server(RUNGS, load, 10.0, clock=board.clock, executor=AtOnce()) as server:
        for _ in range(10):
            server(1)
        assert server.counters.misses == 0


def test_the_agent_gets_times_of_the_best_member_alone(board, tmp_path):
    feedback = Feedback(tmp_path, {"large": LINE}, every=1, batch=50)
    with serve(board, feedback=feedback) as server:
        for _ in range(60):
            server(1)
        assert server.counters.reported == 50
        board.factor = 1.5
        for _ in range(40):
            server(1)
        large = server.counters.by_member["large"]
    assert feedback.written == large  # the rest when it was closed
    records = [m for t in Inbox(tmp_path, root=tmp_path / "no").look(0) for m in t.records]
    assert {m.subject.name for m in records} == {"large"}


def test_threads_share_it_and_overlapping_calls_are_not_reported(tmp_path):
    both_in = threading.Barrier(2)

    class Together:
        def prepare(self, x):
            both_in.wait(10)
            return x

        def run(self, prepared):
            both_in.wait(10)
            return prepared, 1

        def read(self, outputs):
            return outputs

    feedback = Feedback(tmp_path, {"large": LINE}, every=1)
    found = []
    with Server(RUNGS, lambda _: Together(), 1e6, feedback=feedback) as server:
        threads = [
            threading.Thread(target=lambda k=k: found.extend(server(k) for _ in range(20)))
            for k in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.counters.calls == 40
        assert sorted(found) == [0] * 20 + [1] * 20
    assert feedback.written + feedback.dropped == 0
