"""Memory that Python is done with, back to the board: the C library keeps it unless it is asked."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """An order of millions of samples would otherwise stay resident until the agent ends. Where the
    C library is not GNU's, nothing happens."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
