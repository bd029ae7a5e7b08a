"""Carry out an order: its models in one session, which resumes where it was killed."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from edge import bench
from edge.bench import Failure, Job
from edge.device import ROOT
from edge.host import WORKER
from edge.orders import Order
from edge.record import Target
from edge.session import Progress, Result, Setting, probe
from edge.target import make_target


def carry_out(
    order: Order,
    files: Mapping[str, Path],
    *,
    memory_limit_bytes: int | None = None,
    journal: Path | None = None,
    progress: Progress = lambda *_: None,
    root: Path = ROOT,
    worker: Sequence[str] = WORKER,
) -> list[Result]:
    """Measure the models of `order`, whose `files` are named by sha256; results in its order.

    Every model is loaded once in a process apart, which shows the provider that runs it; then
    those of one provider are measured interleaved, by the order's protocol. With `journal` a call
    that was killed goes on where it was: finished blocks are kept in files of this name and a
    target's id, which `forget` removes when the results are safe. Whoever ordered may have made
    the models, so one that names other files is refused.

    Raises UnknownRuntime, MissingRuntime or WorkerError where nothing of it can be measured here.
    """
    jobs = [Job(model.subject, files[model.subject.sha256]) for model in order.models]
    protocol = replace(order.how.protocol(), memory_limit_bytes=memory_limit_bytes)
    worker = (*worker, "--strangers")
    setting = Setting(order.threads, protocol, root, worker)
    target = make_target(order.runtime, order.threads, order.precision, root)
    found = probe(jobs, target, setting, partial(progress, f"loading {len(jobs)} models"))
    results: dict[int, Result] = {n: f for n, f in enumerate(found) if isinstance(f, Failure)}
    for target, numbers in _sessions(found).items():
        measured = bench.measure(
            [jobs[number] for number in numbers],
            target,
            protocol,
            seed=order.how.seed,
            journal=_journal_of(journal, target),
            progress=partial(progress, f"measuring {len(numbers)} models on {target.provider}"),
            root=root,
            worker=worker,
        )
        results.update(zip(numbers, measured, strict=True))
    return [results[number] for number in range(len(jobs))]


def forget(journal: Path) -> None:
    """Remove what `carry_out` kept under the name `journal`."""
    for path in journal.parent.glob(f"{glob.escape(journal.name)}.????????????"):
        path.unlink(missing_ok=True)


def _sessions(found: Sequence[Target | Failure]) -> dict[Target, list[int]]:
    sessions: dict[Target, list[int]] = {}
    for number, target in enumerate(found):
        if isinstance(target, Target):
            sessions.setdefault(target, []).append(number)
    return sessions


def _journal_of(journal: Path | None, target: Target) -> Path | None:
    return journal and journal.with_name(f"{journal.name}.{target.id}")
