"""Real load: processes that keep cores busy for as long as a phase lasts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

Process: TypeAlias = "subprocess.Popen[bytes]"

_SPIN = "while True: pass"
_STREAM = """
import numpy as np
here, there = np.ones(1 << 23), np.empty(1 << 23)  # 64 MiB each: more than caches hold
while True:
    np.copyto(there, here)
"""


@contextmanager
def beside(kind: str, ours: int, others: Sequence[int]) -> Iterator[list[Process]]:
    """Load of a `kind`: ``spin`` and ``stream`` (memory) keep every one of the `others` busy,
    ``shared`` spins there and on our own core, ``none`` is none. It ends with the block."""
    cores = {"none": [], "spin": others, "stream": others, "shared": [*others, ours]}[kind]
    running: list[Process] = []
    try:
        for core in cores:
            process = subprocess.Popen(
                [sys.executable, "-c", _STREAM if kind == "stream" else _SPIN]
            )
            running.append(process)
            os.sched_setaffinity(process.pid, {core})
        yield running
    finally:
        for process in running:
            process.kill()
            process.wait()
