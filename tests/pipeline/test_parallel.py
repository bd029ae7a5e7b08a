"""Work in processes comes back in order."""

from __future__ import annotations

import os

import pytest
import torch

from pipeline.parallel import in_processes


def _square(number):
    return number**2, torch.get_num_threads(), os.getpid()


@pytest.mark.parametrize("workers", [1, 2])
def test_results_are_in_order_and_single_threaded(workers):
    found = list(in_processes(_square, range(6), workers))
    assert [value for value, _, _ in found] == [0, 1, 4, 9, 16, 25]
    assert {threads for _, threads, _ in found} == {1}
    assert (os.getpid() in {pid for *_, pid in found}) == (workers == 1)
