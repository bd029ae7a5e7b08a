import io

import pytest
from rich.console import Console

from edge.progress import Steps


def test_a_log_gets_one_line_per_task() -> None:
    log = io.StringIO()
    with Steps(Console(file=log)) as steps:
        for task in ("loading", "measuring"):
            for done in range(3):
                steps(task, done, 2)
    assert log.getvalue() == "loading ...\nmeasuring ...\n"


def test_a_terminal_gets_a_bar_that_counts_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen = io.StringIO()
    with Steps(Console(file=screen, force_terminal=True, width=80)) as steps:
        steps("[measuring]", 0, 2)
        steps("[measuring]", 1, 2)
    assert "[measuring]" in screen.getvalue()  # a name, no markup
    assert "1/2" in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[2K")  # the line is erased
