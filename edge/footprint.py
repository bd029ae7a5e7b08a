"""What one model needs of memory, beside a process in which its runtime has run before.

A process that holds many models cannot tell: what loading one left free serves the next, and the
figures depend on the order. So each model runs once in a fork of a process that never held any.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

Request = dict[str, Any]


class Steps(NamedTuple):
    """What a fork does. All of it happens in processes of their own."""

    confine: Callable[[], object]  # what a fork does not inherit, such as dying with its parent
    prepare: Callable[[], object]  # the runtime: what it takes of memory is no model's
    run: Callable[[Request], object]  # load the model of a request, and run it


class Footprints:
    """Made before this process loads its first model; its fork ends with it."""

    def __init__(self, steps: Steps) -> None:
        ours, theirs = socket.socketpair()
        self.pid = _fork(partial(_serve, ours, theirs, steps))
        theirs.close()
        self._requests = ours
        self._answers = ours.makefile("r", encoding="ascii")

    def peak_bytes(self, request: Request) -> int | None:
        """How much memory the model of `request` took at most; None where it failed, of which
        nothing else is told: whoever loads it next will see why."""
        self._requests.sendall(json.dumps(request).encode() + b"\n")
        answer: int | None = json.loads(self._answers.readline() or "null")
        return answer


def _serve(parents: socket.socket, ours: socket.socket, steps: Steps) -> None:
    parents.close()  # or we would never see that it ended
    steps.confine()
    for line in ours.makefile("rb"):
        fork = _fork(partial(_answer, ours, steps, json.loads(line)))
        if os.waitpid(fork, 0)[1] != 0:
            ours.sendall(b"null\n")


def _answer(to: socket.socket, steps: Steps, request: Request) -> None:
    steps.confine()
    steps.prepare()
    before_bytes = _resident_bytes()
    _forget_peak()
    steps.run(request)
    to.sendall(f"{max(0, _peak_bytes() - before_bytes)}\n".encode())


def _fork(work: Callable[[], object]) -> int:
    """The process id of a fork that does `work`, and nothing of what we do next."""
    pid = os.fork()
    if pid != 0:
        return pid
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)


def _forget_peak() -> None:
    """Restart VmHWM from here; where the kernel refuses, the peak is that of the process."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


def _peak_bytes() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    line = next((line for line in status.splitlines() if line.startswith("VmHWM")), None)
    if line is None:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return int(line.split()[1]) * 1024
