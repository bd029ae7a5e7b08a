import io

import pytest

from edge.progress import Steps, bar


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_one_line_per_task() -> None:
    log = io.StringIO()
    with Steps(log) as steps:
        for task in ("loading", "measuring"):
            for done in range(3):
                steps(task, done, 2)
    assert log.getvalue() == "loading ...\nmeasuring ...\n"


def test_a_terminal_gets_a_bar_that_counts_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen = Screen()
    now_s = iter([100.0, 100.0, 130.0, 130.0])
    with Steps(screen, lambda: next(now_s)) as steps:
        steps("measuring", 0, 4)
        steps("measuring", 1, 4)
    lines = screen.getvalue().split("\r\x1b[2K")
    assert lines == ["", bar("measuring", 0, 4, 0.0), bar("measuring", 1, 4, 30.0), ""]


def test_a_terminal_that_can_only_write_gets_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    screen = Screen()
    with Steps(screen) as steps:
        steps("loading", 0, 2)
    assert screen.getvalue() == "loading ...\n"


def test_the_bar_tells_how_long_the_rest_takes() -> None:
    assert bar("x", 0, 4, 0.0) == f"x {'─' * 40} 0/4 -:--:--"
    assert bar("x", 1, 4, 1300.0) == f"x {'━' * 10}{'─' * 30} 1/4 1:05:00"  # 3 · 1300 s
    assert bar("x", 0, 0, 0.0).startswith(f"x {'━' * 40} 0/0")
