import os
import signal
from functools import partial
from typing import Any

import pytest

from edge.footprint import Footprints, Steps

MB = 1 << 20
# Beyond what malloc takes from memory that was freed before: that is counted already.
SMALL_MB, LARGE_MB = 40, 64


def nothing() -> None:
    pass


def run(request: dict[str, Any]) -> None:
    """A model of as many megabytes as it says, or one that goes wrong."""
    if "raises" in request:
        raise ValueError
    if "dies" in request:
        os.kill(os.getpid(), signal.SIGKILL)
    os.urandom(request["mb"] * MB)  # memory that is written, not only asked for


@pytest.fixture
def footprints() -> Footprints:
    return Footprints(Steps(nothing, nothing, run))


def test_a_model_takes_the_same_whatever_ran_before_it(footprints: Footprints) -> None:
    sizes_mb = (LARGE_MB, SMALL_MB, SMALL_MB, LARGE_MB)
    found = [footprints.peak_bytes({"mb": mb}) for mb in sizes_mb]
    for mb, peak_bytes in zip(sizes_mb, found, strict=True):
        assert peak_bytes is not None
        assert (mb - 1) * MB < peak_bytes < (mb + 4) * MB


@pytest.mark.parametrize("how", ["raises", "dies"])
def test_a_model_that_fails_is_told_by_none_and_the_next_one_is_measured(
    footprints: Footprints, how: str
) -> None:
    assert footprints.peak_bytes({how: True}) is None
    assert (footprints.peak_bytes({"mb": SMALL_MB}) or 0) > (SMALL_MB - 1) * MB


def test_what_the_runtime_takes_is_no_models() -> None:
    held: list[bytes] = []
    runtime = partial(os.urandom, LARGE_MB * MB)
    footprints = Footprints(Steps(nothing, lambda: held.append(runtime()), run))
    peak_bytes = footprints.peak_bytes({"mb": 8})
    assert peak_bytes is not None
    assert peak_bytes < 16 * MB
    assert not held  # it was prepared in the fork


def test_the_fork_ends_with_what_asks_it() -> None:
    footprints = Footprints(Steps(nothing, nothing, run))
    pid = footprints.pid
    del footprints
    assert os.waitpid(pid, 0)[1] == 0
