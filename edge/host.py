"""The parent's end of a worker: start it, ask it, and survive its death."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from edge.errors import EdgeError

WORKER = (sys.executable, "-m", "edge.worker")

_READ_BYTES = 1 << 16
_DETAIL_CHARACTERS = 500
_LAST_WORDS_S = 2.0  # between the end of its output and its own end
_NO_MEMORY = (  # numpy's OpenBLAS then exits, or sends itself a SIGINT
    "std::bad_alloc",
    "OpenBLAS error: Memory allocation still failed",
    "OpenBLAS blas_thread_init: pthread_create failed",
)


class WorkerError(EdgeError, RuntimeError):
    """A worker that cannot start, whatever the model; `kind` says whether for want of memory."""

    def __init__(self, detail: str, kind: Literal["oom", "rejected"] = "rejected") -> None:
        super().__init__(detail)
        self.kind: Literal["oom", "rejected"] = kind


class WorkerLost(EdgeError, RuntimeError):
    """The worker died or hung while it was asked; `kind` says which, and of what it died."""

    def __init__(self, kind: Literal["crash", "oom", "timeout"], detail: str) -> None:
        super().__init__(detail)
        self.kind: Literal["crash", "oom", "timeout"] = kind


class Host:
    """One running worker, as a context manager. Raises WorkerError where it does not start."""

    def __init__(self, command: Sequence[str], timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        self._buffer = bytearray()
        self._process = subprocess.Popen(
            [*command, "--parent", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=_environment(),
        )
        try:
            hello = self._receive(timeout_s)
        except WorkerLost as error:
            self.close()
            said = f"the measuring process did not start: {error}"
            if error.kind != "oom":
                raise WorkerError(said) from error
            raise WorkerError(f"{said}: raise the memory limit or end programs", "oom") from error
        if "error" in hello:
            self.close()
            raise WorkerError(hello["error"], hello.get("kind", "rejected"))
        self.version = str(hello["version"])

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send one request and wait for its answer, `timeout_s` beyond the ``seconds`` that the
        request wants spent. Raises WorkerLost; the worker is dead then."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._dead() from None
        return self._receive(self._timeout_s + request.get("seconds", 0.0))

    def close(self) -> None:
        """End the worker; harmless where it has ended."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):  # a request that nobody will read
                pipe.close()
        self._errors.close()

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _receive(self, timeout_s: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._buffer:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not select.select([pipe], [], [], left_s)[0]:
                self._process.kill()
                raise WorkerLost("timeout", f"no answer within {timeout_s:g} s")
            received = os.read(pipe, _READ_BYTES)
            if not received:
                raise self._dead()
            self._buffer += received
        line, _, rest = bytes(self._buffer).partition(b"\n")
        self._buffer[:] = rest
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _dead(self) -> WorkerLost:
        try:
            code = self._process.wait(_LAST_WORDS_S)
        except subprocess.TimeoutExpired:  # it closed its output and lives on
            self._process.kill()
            code = self._process.wait()
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip()
        if said.endswith("MemoryError") or any(words in said for words in _NO_MEMORY):
            return WorkerLost("oom", f"out of memory: {how}")
        return WorkerLost("crash", f"{how}: {said[-_DETAIL_CHARACTERS:]}" if said else how)


def start(command: Sequence[str], timeout_s: float) -> Host:
    """A worker, at the second try if need be: what keeps a process from starting on a small board,
    such as too little memory, may be over in a moment. Raises WorkerError."""
    try:
        return Host(command, timeout_s)
    except WorkerError:
        return Host(command, timeout_s)


def _environment() -> dict[str, str]:
    """The worker must import this very package, installed or not."""
    here = str(Path(__file__).resolve().parent.parent)
    inherited = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (here, inherited)))}
