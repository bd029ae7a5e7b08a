"""Cells side by side: those of one seed share checkpoints, and so run one after another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from benchmarks.rows import grouped

Item = TypeVar("Item")


def in_lanes(
    items: Sequence[Item],
    lane: Callable[[Item], Hashable],
    work: Callable[[Item], None],
    workers: int,
) -> None:
    """`work` for all items, lane after lane; `workers` lanes at a time. When an item fails, no
    further one begins, and the error is raised as soon as those that run are over."""
    failed = threading.Event()

    def through(of_lane: Sequence[Item]) -> None:
        for item in of_lane:
            if failed.is_set():
                return
            try:
                work(item)
            except BaseException:
                failed.set()
                raise

    with ThreadPoolExecutor(workers) as pool:
        running = [pool.submit(through, of) for of in grouped(items, lane).values()]
    for one in running:
        one.result()
