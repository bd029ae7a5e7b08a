"""The process in which models run: ``python -m edge.worker``, JSON lines in and out.

A malformed model may kill its interpreter and a hung accelerator never answers, so neither
runs in the process that wants the result. One worker holds all models of a session:

    → {"do": "load", "id": 3, "path": ..., "seed": 0, "seconds": 0.5, "runs": 10}
    ← {"provider": ..., "peak_memory_bytes": ..., "warmup_ns": [...]}
    → {"do": "block", "id": 3, "settle": 5, "seconds": 1.0, "runs": 50, "max_runs": null}
    ← {"warmup_ns": [...], "samples_ns": [...]}

A load with ``"footprint": false`` leaves out what the model needs of memory: null.
An answer may also be ``{"failure": "rejected" | "oom", "detail": ...}``. The worker ends when
its input does, and dies with its parent.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from edge.errors import EdgeError
from edge.footprint import Footprints, Steps

if TYPE_CHECKING:
    from edge.runtimes import Feeds, Runtime, Session

_FIRST_CAPACITY = 4096
_PR_SET_PDEATHSIG = 1
_NO_MEMORY = ("bad_alloc", "allocate memory", "pthread_create failed")  # the last for its stack
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


class _Model(NamedTuple):
    session: Session
    feeds: Feeds


class Worker:
    """Answers requests; holds every model that it loaded."""

    def __init__(self, runtime: Runtime, threads: int, strangers: bool = False) -> None:
        self._runtime = runtime
        self._threads = threads
        self._strangers = strangers
        self._models: dict[int, _Model] = {}
        self._footprints = Footprints(Steps(die_with_parent, runtime.prepare, self._run_once))

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """One request in, one answer out; see the module's docstring."""
        try:
            return self._load(request) if request["do"] == "load" else self._block(request)
        except Exception as error:  # whatever a runtime raises, the other models go on
            said = "out of memory" if isinstance(error, MemoryError) else str(error) or repr(error)
            return {"failure": failure_kind(error), "detail": said}

    def _load(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._strangers:
            self._runtime.refuse_other_files(Path(request["path"]))
        wanted = request.get("footprint", True)  # it takes loading the model twice
        peak_bytes = self._footprints.peak_bytes(request) if wanted else None
        model = self._loaded(request)
        warmup_ns = time_runs(model.session.run, model.feeds, request["runs"], request["seconds"])
        self._models[request["id"]] = model
        return {
            "provider": model.session.provider,
            "peak_memory_bytes": peak_bytes,
            "warmup_ns": warmup_ns,
        }

    def _loaded(self, request: dict[str, Any]) -> _Model:
        session = self._runtime.load(Path(request["path"]), self._threads)
        return _Model(session, session.feeds(request["seed"]))

    def _run_once(self, request: dict[str, Any]) -> None:
        model = self._loaded(request)
        model.session.run(model.feeds)

    def _block(self, request: dict[str, Any]) -> dict[str, Any]:
        session, feeds = self._models[request["id"]]
        # Another model ran before this one: the first runs find cold caches.
        warmup_ns = time_runs(session.run, feeds, request["settle"], 0.0)
        samples_ns = time_runs(
            session.run, feeds, request["runs"], request["seconds"], request["max_runs"]
        )
        return {"warmup_ns": warmup_ns, "samples_ns": samples_ns}


def time_runs(
    run: Callable[[Feeds], object],
    feeds: Feeds,
    runs: int,
    seconds: float,
    max_runs: int | None = None,
    clock: Callable[[], int] = time.monotonic_ns,
) -> list[int]:
    """Nanoseconds of each run, in order: at least `runs`, then up to `max_runs` in `seconds`."""
    most = math.inf if max_runs is None else max_runs
    samples = [0] * max(runs, _FIRST_CAPACITY)
    capacity, count = len(samples), 0
    gc.collect()
    gc.disable()
    try:
        end = clock() + round(seconds * 1e9)
        now = 0
        while count < runs or (now < end and count < most):
            if count == capacity:
                samples += [0] * capacity
                capacity *= 2
            start = clock()
            run(feeds)
            now = clock()
            samples[count] = now - start
            count += 1
    finally:
        gc.enable()
    return samples[:count]


def failure_kind(error: Exception) -> str:
    """``oom`` for MemoryError, and where the text of an error of the C++ side says so; else
    ``rejected``."""
    text = str(error).lower()
    told = any(words in text for words in _NO_MEMORY)
    return "oom" if told or isinstance(error, MemoryError) else "rejected"


def serve(worker: Worker, requests: TextIO, answers: TextIO) -> None:
    """Answer line by line until `requests` ends."""
    for line in requests:
        _say(answers, worker.answer(json.loads(line)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Confine this process, say hello with the runtime's version, and serve."""
    options = _parser().parse_args(arguments)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # a library that prints must not end up in the answers
    _confine(options.threads if options.pin else None, options.memory_limit_bytes)
    if os.getppid() != options.parent:  # it died before we asked to die with it
        return
    try:
        runtime = _prepared(options.runtime)
        hello = {"version": runtime.version()}
    except EdgeError as error:
        _say(answers, {"error": str(error)})
        return
    except Exception as error:
        if failure_kind(error) != "oom":
            raise
        said = _too_little(options.runtime, options.memory_limit_bytes)
        _say(answers, {"error": said, "kind": "oom"})
        return
    _say(answers, hello)
    serve(Worker(runtime, options.threads, options.strangers), sys.stdin, answers)


def _prepared(name: str) -> Runtime:
    from edge.runtimes import get_runtime  # numpy comes with it, and starts threads

    runtime = get_runtime(name)
    runtime.prepare()
    return runtime


def _too_little(runtime: str, limit_bytes: int | None) -> str:
    if limit_bytes is None:
        return f"{runtime} finds too little memory to start: end other programs"
    return (
        f"a memory limit of {limit_bytes >> 20} MiB is less than {runtime} itself takes: raise it"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m edge.worker")
    parser.add_argument("--runtime", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True, help="process id to die with")
    parser.add_argument("--memory-limit-bytes", type=int)
    parser.add_argument(
        "--strangers", action="store_true", help="refuse models that name other files"
    )
    parser.add_argument("--pin", action="store_true", help="use only as many cores as threads")
    return parser


def _say(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _confine(cores: int | None, memory_limit_bytes: int | None) -> None:
    """Before any thread exists: threads inherit the affinity, and a process that has some gets no
    namespace of users. The last cores of a board are its fast ones, and the first one serves the
    interrupts."""
    if cores is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cores:])
    if memory_limit_bytes is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (memory_limit_bytes, memory_limit_bytes))
    import ctypes

    libc = ctypes.CDLL(None)
    # A model needs no network. Root may drop it at once, others as root of a namespace of their
    # own, where the kernel lets them; it is a second wall, not the only one.
    if libc.unshare(_CLONE_NEWNET):
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    die_with_parent()


def die_with_parent() -> None:
    """A model that hangs never sees that the input ended: let the kernel end it."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


if __name__ == "__main__":
    main()
