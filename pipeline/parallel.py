"""Independent work in processes of one thread each: on CPUs, small networks train and run
faster so than in one process of several threads."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TypeVar

import torch
from joblib import Parallel, delayed

from pipeline.progress import Progress

Item = TypeVar("Item")
Done = TypeVar("Done")
_WATCH_S = 1.0
_RETIRED = "A worker stopped while some jobs were given"


def single_threaded(function: Callable[[Item], Done], item: Item) -> Done:
    """`function(item)` with one thread for PyTorch."""
    torch.set_num_threads(1)
    return function(item)


def in_processes(
    function: Callable[[Item], Done], items: Sequence[Item], workers: int
) -> Iterator[Done]:
    """The results in the order of `items`, as they come; `workers` processes (joblib's backend
    can be chosen from outside). One worker runs in this process.

    A worker whose memory has grown is retired after an item, and another takes its place: joblib
    warns of that, but it is how long work stays small, and nobody has anything to do about it.
    """
    if workers == 1:
        threads = torch.get_num_threads()
        try:
            yield from (single_threaded(function, item) for item in items)
        finally:
            torch.set_num_threads(threads)
        return
    warnings.filterwarnings("ignore", _RETIRED, UserWarning)
    tasks = (delayed(_in_worker)(os.getpid(), function, item) for item in items)
    yield from Parallel(n_jobs=workers, return_as="generator")(tasks)


def _in_worker(parent: int, function: Callable[[Item], Done], item: Item) -> Done:
    _end_with(parent)
    return single_threaded(function, item)


@cache
def _end_with(parent: int) -> None:
    """Let this worker end when the process that waits for it has ended, however that was: a
    training that nobody waits for takes a core for minutes."""
    if os.getppid() == parent:  # no other backend of joblib's
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    os._exit(1)


def run_all(label: str, make: Callable[[Item], str], items: Sequence[Item], workers: int) -> None:
    """Call `make`, which gives a name to show, for all `items` in processes that are over when
    this returns: what is timed afterwards runs alone on the machine."""
    if not items:
        return
    with Progress(label, len(items)) as progress:
        try:
            for name in in_processes(make, items, min(workers, len(items))):
                progress.advance(name)
        finally:
            _end_processes()


def _end_processes() -> None:
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)
