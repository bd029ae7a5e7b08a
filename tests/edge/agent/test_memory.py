from __future__ import annotations

import ctypes
import os
import sys

import pytest

from edge.agent.footprint import resident_bytes
from edge.agent.memory import give_back


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="not the C library of GNU"
)
def test_what_python_is_done_with_goes_back_to_the_board() -> None:
    """Pieces too large for Python's own allocator and too small for a mapping each."""
    pieces = [bytes(10_000) for _ in range(8000)]
    last = bytes(10_000)  # at the end of the heap: it keeps what is below it
    full = resident_bytes(os.getpid()) or 0
    del pieces
    give_back()
    assert full - (resident_bytes(os.getpid()) or 0) > 60_000_000
    assert sys.getsizeof(last) > 10_000


def test_another_c_library_has_no_such_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    give_back()
