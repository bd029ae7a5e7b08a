"""Progress lines with a clock of our own."""

from __future__ import annotations

import io
import threading

import pytest

from pipeline.progress import Progress, watched


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_log_gets_a_line_now_and_then_and_the_last_one():
    stream, clock = io.StringIO(), Clock()
    with Progress("train", 100, stream=stream, clock=clock) as progress:
        for step in range(1, 101):
            clock.now += 1
            progress.update(step, f"loss {step}")
    lines = stream.getvalue().splitlines()
    assert lines[0] == "train: 15/100 0:15, 1:25 left  loss 15"
    assert lines[-1] == "train: 100/100 1:40  loss 100"
    assert len(lines) == 7


def test_what_was_done_before_a_restart_is_not_in_the_estimate():
    stream, clock = io.StringIO(), Clock()
    with Progress("train", 100, start=80, stream=stream, clock=clock) as progress:
        clock.now += 20
        progress.update(90)
    assert "90/100 0:20, 0:20 left" in stream.getvalue()


@pytest.mark.parametrize("make", [io.StringIO, Terminal])
def test_a_single_item_is_shown_only_where_there_is_something_to_say(make):
    silent, telling, several = make(), make(), make()
    for stream, total, text in [(silent, 1, ""), (telling, 1, "small.onnx"), (several, 2, "")]:
        clock = Clock()
        with Progress("judge", total, stream=stream, clock=clock) as progress:
            clock.now += 20
            progress.update(total, text)
    assert silent.getvalue() == ""
    assert "1/1 0:20  small.onnx" in telling.getvalue()
    assert several.getvalue().count("2/2 0:20") == 1


def test_a_terminal_gets_one_line_that_fits_80_columns():
    stream, clock = Terminal(), Clock()
    with Progress("a very long label", 4, stream=stream, clock=clock) as progress:
        clock.now += 1
        progress.advance("x" * 100)
    line = stream.getvalue().rstrip("\n").split("\r")[-1]
    assert len(line) == 79
    assert "1/4 0:01, 0:03 left" in line


def test_what_happens_elsewhere_is_looked_at_until_it_is_over():
    seen = threading.Semaphore(0)
    with watched(seen.release, every_s=0.001):
        for _ in range(3):
            assert seen.acquire(timeout=10)
    while seen.acquire(blocking=False):
        pass
    assert not seen.acquire(timeout=0.02)


def test_a_line_that_is_said_stays():
    log, terminal = io.StringIO(), Terminal()
    for stream in (log, terminal):
        with Progress("boards", 3, stream=stream, clock=Clock()) as progress:
            progress.update(1)
            progress.say("pi is away")
    assert log.getvalue().splitlines()[0] == "pi is away"
    bar, said, *_ = terminal.getvalue().split("\n")
    assert bar.split("\r")[-1] == "pi is away"  # on a line that was cleared
    assert said.startswith("\rboards")
