"""Measure model files of any origin: the target of each first, then one session per target.

A target names the provider, and only a model that was loaded says which one it runs on. Every
model is therefore loaded once in a process apart; what fails there never disturbs a session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge import bench
from edge.bench import Failure, Job, Protocol
from edge.device import ROOT
from edge.files import sha256_of
from edge.host import WORKER, Host, WorkerError, WorkerLost, start
from edge.record import Measurement, Subject, Target
from edge.runtimes import MissingRuntime
from edge.target import make_target

if TYPE_CHECKING:
    from edge.model_files import Model  # which knows families; an agent needs none

Result = Measurement | Failure
Progress = Callable[[str, int, int], None]  # what is done, steps done, steps in all


@dataclass(frozen=True)
class Setting:
    """What holds for every model of a call; `worker` is the command of the measuring process."""

    threads: int = 1
    protocol: Protocol = field(default_factory=Protocol)
    root: Path = ROOT
    worker: Sequence[str] = WORKER


def measure_models(
    models: Sequence[Model],
    setting: Setting = Setting(),
    *,
    keep: Callable[[Measurement], object] = lambda _: None,
    progress: Progress = lambda *_: None,
) -> list[Result]:
    """Measure every model; the results are in the order of `models`.

    Models of one target are measured in one session, interleaved. `keep` gets every record as
    soon as its session is over.
    """
    results: dict[int, Result] = {}
    sessions: dict[Target, list[int]] = {}
    for numbers, found in _probed(models, setting, progress):
        for number, target in zip(numbers, found, strict=True):
            if isinstance(target, Failure):
                results[number] = target
            else:
                sessions.setdefault(target, []).append(number)
    for target, numbers in sessions.items():
        measured = _measure([models[n].job for n in numbers], target, setting, progress)
        results.update(zip(numbers, measured, strict=True))
        for result in measured:
            if isinstance(result, Measurement):
                keep(result)
    return [results[number] for number in range(len(models))]


def _probed(
    models: Sequence[Model], setting: Setting, progress: Progress
) -> Iterator[tuple[list[int], Sequence[Target | Failure]]]:
    """Numbers of models that one runtime runs, and their targets, or why they have none."""
    groups: dict[tuple[str, str], list[int]] = {}
    for number, model in enumerate(models):
        groups.setdefault((model.runtime, model.precision), []).append(number)
    for (runtime, precision), numbers in groups.items():
        jobs = [models[number].job for number in numbers]
        task = partial(progress, f"loading {len(jobs)} for {runtime}")
        try:
            target = make_target(runtime, setting.threads, precision, setting.root)
            yield numbers, probe(jobs, target, setting, task)
        except (MissingRuntime, WorkerError) as error:
            yield numbers, not_started([job.subject for job in jobs], error)


def probe(
    jobs: Sequence[Job],
    target: Target,
    setting: Setting,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> list[Target | Failure]:
    """Load every model and run it once: `target` with the provider that ran it, or why none did.

    Raises WorkerError where the runtime does not start for the first one.
    """
    command = [*setting.worker, *bench.worker_options(target, setting.protocol)]
    found: list[Target | Failure] = []
    host: Host | None = None
    try:
        for job in jobs:
            progress(len(found), len(jobs))
            try:
                host = host or start(command, setting.protocol.timeout_s)
            except WorkerError as error:
                if not found:
                    raise
                found.append(Failure(job.subject, error.kind, str(error)))
                continue
            try:
                found.append(_load(host, job, target))
            except WorkerLost as lost:
                found.append(Failure(job.subject, lost.kind, str(lost)))
                host.close()
                host = None
        progress(len(found), len(jobs))
    finally:
        if host is not None:
            host.close()
    return found


def _load(host: Host, job: Job, target: Target) -> Target | Failure:
    try:
        same = sha256_of(job.path) == job.subject.sha256
    except OSError as error:
        return Failure(job.subject, "rejected", f"cannot read the model: {error}")
    if not same:  # it is not what its subject says: nothing of it is loaded
        return Failure(job.subject, "rejected", f"{job.path} changed: its sha256 is another one")
    request: dict[str, Any] = {"do": "load", "id": 0, "path": str(job.path.absolute()), "seed": 0}
    answer = host.ask({**request, "runs": 1, "seconds": 0.0, "footprint": False})
    if "failure" in answer:
        return Failure(job.subject, answer["failure"], answer["detail"])
    return target.model_copy(update={"provider": answer["provider"]})


def _measure(
    jobs: Sequence[Job], target: Target, setting: Setting, progress: Progress
) -> Sequence[Result]:
    task = partial(progress, f"measuring {len(jobs)} on {target.runtime}, {target.provider}")
    task(0, len(jobs) * setting.protocol.blocks)
    try:
        return bench.measure(
            jobs,
            target,
            setting.protocol,
            progress=task,
            root=setting.root,
            worker=setting.worker,
        )
    except WorkerError as error:
        return not_started([job.subject for job in jobs], error)


def not_started(
    subjects: Iterable[Subject], error: MissingRuntime | WorkerError
) -> Sequence[Failure]:
    """Every model of a session that did not start, with the reason."""
    kind = error.kind if isinstance(error, WorkerError) else "rejected"
    return [Failure(subject, kind, str(error)) for subject in subjects]
