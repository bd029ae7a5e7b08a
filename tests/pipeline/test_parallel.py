"""Work in processes comes back in order."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from functools import partial
from pathlib import Path

import pytest
import torch

from pipeline.parallel import in_processes
from tests.waiting import wait_until


def _square(number):
    return number**2, torch.get_num_threads(), os.getpid()


@pytest.mark.parametrize("workers", [1, 2])
def test_results_are_in_order_and_single_threaded(workers):
    found = list(in_processes(_square, range(6), workers))
    assert [value for value, _, _ in found] == [0, 1, 4, 9, 16, 25]
    assert {threads for _, threads, _ in found} == {1}
    assert (os.getpid() in {pid for *_, pid in found}) == (workers == 1)


_HELD = []


def _hoard(number):
    """Grow by more than joblib lets a worker, and take longer than it waits between two looks."""
    _HELD.append(bytearray(b"x") * 350_000_000)
    time.sleep(1.1)
    return number, os.getpid()


def test_a_worker_that_grew_is_replaced_without_a_word():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        found = list(in_processes(_hoard, range(8), 2))
    assert [number for number, _ in found] == list(range(8))
    assert len({process for _, process in found}) > 2  # else nothing was replaced
    assert not [one for one in heard if "worker stopped" in str(one.message)]


def say_and_stay(folder, number):
    (folder / str(number)).write_text(str(os.getpid()))
    time.sleep(600)


def test_workers_end_with_whoever_waits_for_them(tmp_path):
    """Even where that is killed, and can tell them nothing."""
    parent = subprocess.Popen([sys.executable, "-m", "tests.pipeline.test_parallel", tmp_path])
    try:
        wait_until(lambda: len([f for f in tmp_path.iterdir() if f.read_text()]) == 2, 120)
        workers = [int(file.read_text()) for file in tmp_path.iterdir()]
        assert all(map(is_running, workers))
    finally:
        parent.kill()
        parent.wait()
    wait_until(lambda: not any(map(is_running, workers)), 30)


def is_running(process):
    """Neither gone nor a zombie that nobody has asked about."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


if __name__ == "__main__":
    list(in_processes(partial(say_and_stay, Path(sys.argv[1])), range(2), 2))
