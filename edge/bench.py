"""The measuring protocol: many models, one child process, blocks in random interleaved order.

Interleaving turns a drift of the machine into noise that all models share instead of an
advantage of the one that was measured first.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from edge.device import ROOT
from edge.errors import first_problem
from edge.files import sha256_of
from edge.host import WORKER, Host, WorkerError, WorkerLost, start
from edge.journal import Block, Journal
from edge.record import Measurement, Subject, Target
from edge.sensors import conditions, read_sensors
from edge.verdict import judge

FailureKind = Literal["crash", "oom", "timeout", "rejected"]
_SETTLE_RUNS = 5
_LIMITS = ("timeout_s", "memory_limit_bytes")  # of a Protocol


@dataclass(frozen=True)
class Protocol:
    """How a model is measured. A block ends after `block_runs` runs and `block_s` seconds.

    With `max_runs` it ends after that many runs at the latest, so that the record of a model of
    microseconds stays small; `block_runs` are made in any case.
    `timeout_s` is what loading may take beyond `warmup_s`, and a block beyond `block_s`.
    `memory_limit_bytes` bounds the data of the one process that holds all models of the session.
    """

    warmup_s: float = 0.5
    warmup_runs: int = 10
    blocks: int = 7
    block_s: float = 1.0
    block_runs: int = 50
    max_runs: int | None = None
    timeout_s: float = 60.0
    memory_limit_bytes: int | None = 4 << 30
    pin: bool = True  # to as many cores as the target has threads


@dataclass(frozen=True)
class Job:
    """A model file to measure, and what it is."""

    subject: Subject
    path: Path


@dataclass(frozen=True)
class Failure:
    """A model that could not be measured."""

    subject: Subject
    kind: FailureKind
    detail: str

    def __str__(self) -> str:
        return f"{self.subject.name}: {self.kind}: {self.detail}"


@dataclass
class _Run:
    """What is known of one job so far."""

    id: int
    job: Job
    blocks: list[Block] = field(default_factory=list)
    pending_warmup_ns: list[int] = field(default_factory=list)
    peak_memory_bytes: int | None = None
    failure: Failure | None = None

    def fail(self, kind: FailureKind, detail: str) -> None:
        self.failure = Failure(self.job.subject, kind, detail)


def measure(
    jobs: Sequence[Job],
    target: Target,
    protocol: Protocol = Protocol(),
    *,
    seed: int = 0,
    journal: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    root: Path = ROOT,
    worker: Sequence[str] = WORKER,
) -> list[Measurement | Failure]:
    """Measure every job on this machine; the results are in the order of `jobs`.

    Every round visits each model once, in shuffled order, for one block of runs. A model that
    kills or hangs the worker becomes a Failure; the others go on in a new worker. Where that does
    not start, the model whose turn it is fails, and the next one tries again. `progress` is called
    with (blocks done, blocks in all). Finished blocks are kept in the file `journal`, from which a
    killed call resumes; the caller removes it when the results are safe.

    Raises WorkerError where the first worker does not start, as where the runtime of `target` is
    missing or has another version.
    """
    runs = [_Run(number, job) for number, job in enumerate(jobs)]
    with Journal(journal, _header(target, protocol, seed)) as kept:
        for run in runs:
            _check_file(run)
            run.blocks += kept.blocks(_key(run.job))[: protocol.blocks]
        with _Visitor(target, protocol, seed, root, worker) as visitor:
            for done, (number, run) in enumerate(_visits(runs, protocol.blocks, seed), 1):
                if run.failure is None and len(run.blocks) == number:
                    visitor.visit(run)
                    kept.append(_key(run.job), run.blocks[number:])
                if progress is not None:
                    progress(done, len(runs) * protocol.blocks)
    return [_result(run, target, root) for run in runs]


class _Visitor:
    """Visits one run after the other in one worker, and starts another where it is lost."""

    def __init__(
        self, target: Target, protocol: Protocol, seed: int, root: Path, worker: Sequence[str]
    ) -> None:
        self._target = target
        self._protocol = protocol
        self._seed = seed
        self._root = root
        self._command = [*worker, *worker_options(target, protocol)]
        self._host: Host | None = None
        self._started = False
        self._loaded: set[int] = set()

    def __enter__(self) -> _Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def visit(self, run: _Run) -> None:
        """Load the model where it is not, and measure one block of runs; or note the failure."""
        try:
            host = self._host or self._start()
        except WorkerError as error:
            if not self._started:
                raise
            run.fail(error.kind, str(error))  # the others have blocks, or another chance
            return
        try:
            if run.id in self._loaded or self._load(host, run):
                self._block(host, run)
        except WorkerLost as lost:
            run.fail(lost.kind, str(lost))
            self._stop()

    def _load(self, host: Host, run: _Run) -> bool:
        answer = self._ask(
            host,
            run,
            do="load",
            path=str(run.job.path.absolute()),
            seed=self._seed,
            seconds=self._protocol.warmup_s,
            runs=self._protocol.warmup_runs,
        )
        if answer is None:
            return False
        if answer["provider"] != self._target.provider:
            run.fail("rejected", f"ran on {answer['provider']}, not on {self._target.provider}")
            return False
        self._loaded.add(run.id)
        run.pending_warmup_ns = answer["warmup_ns"]
        run.peak_memory_bytes = answer["peak_memory_bytes"]
        return True

    def _block(self, host: Host, run: _Run) -> None:
        before = read_sensors(self._root, host.pid)
        answer = self._ask(
            host,
            run,
            do="block",
            settle=_SETTLE_RUNS,
            seconds=self._protocol.block_s,
            runs=self._protocol.block_runs,
            max_runs=self._protocol.max_runs,
        )
        if answer is None:
            return
        run.blocks.append(
            Block(
                warmup_ns=run.pending_warmup_ns + answer["warmup_ns"],
                samples_ns=answer["samples_ns"],
                peak_memory_bytes=run.peak_memory_bytes,
                before=before,
                after=read_sensors(self._root, host.pid),
            )
        )
        run.pending_warmup_ns = []

    def _ask(self, host: Host, run: _Run, **request: Any) -> dict[str, Any] | None:
        answer = host.ask({"id": run.id, **request})
        if "failure" in answer:
            run.fail(answer["failure"], answer["detail"])
            return None
        return answer

    def _start(self) -> Host:
        host = start(self._command, self._protocol.timeout_s)
        if host.version != self._target.runtime_version:
            host.close()
            raise WorkerError(
                f"the target has {self._target.runtime} {self._target.runtime_version} but "
                f"{host.version} is installed: describe the target again"
            )
        self._host = host
        self._started = True
        return host

    def _stop(self) -> None:
        if self._host is not None:
            self._host.close()
        self._host = None
        self._loaded.clear()


def worker_options(target: Target, protocol: Protocol) -> list[str]:
    """Of the command of a worker: see `edge.worker`."""
    options = ["--runtime", target.runtime, "--threads", str(target.threads)]
    if protocol.memory_limit_bytes is not None:
        options += ["--memory-limit-bytes", str(protocol.memory_limit_bytes)]
    return [*options, "--pin"] if protocol.pin else options


def _header(target: Target, protocol: Protocol, seed: int) -> list[Any]:
    """What a block is one of. Limits only say when to give up: whoever raises or lowers one after
    a kill goes on with the blocks that are there."""
    how = {name: value for name, value in asdict(protocol).items() if name not in _LIMITS}
    return [target.model_dump(), how, seed]


def _key(job: Job) -> str:
    """Names a job in the journal: the same model may be measured as two subjects."""
    return job.subject.model_dump_json()


def _check_file(run: _Run) -> None:
    """A file that is not what its subject says would give a record of something else."""
    try:
        found = sha256_of(run.job.path)
    except OSError as error:
        run.fail("rejected", f"cannot read the model: {error}")
        return
    if found != run.job.subject.sha256:
        run.fail("rejected", f"{run.job.path} changed: its sha256 is {found} now")


def _visits(runs: Sequence[_Run], blocks: int, seed: int) -> Iterator[tuple[int, _Run]]:
    """(number of the round, run): the same order again when a killed call resumes."""
    for number in range(blocks):
        order = list(runs)
        random.Random(f"{seed}/{number}").shuffle(order)
        yield from ((number, run) for run in order)


def _result(run: _Run, target: Target, root: Path) -> Measurement | Failure:
    if run.failure is not None:
        return run.failure
    samples_ns = tuple(tuple(block.samples_ns) for block in run.blocks)
    found = conditions(root, [(block.before, block.after) for block in run.blocks])
    verdict, reasons = judge(samples_ns, found)
    peaks = [b.peak_memory_bytes for b in run.blocks if b.peak_memory_bytes is not None]
    try:
        return Measurement(
            subject=run.job.subject,
            target=target,
            conditions=found,
            warmup_ns=tuple(ns for block in run.blocks for ns in block.warmup_ns),
            samples_ns=samples_ns,
            peak_memory_bytes=max(peaks, default=None),
            verdict=verdict,
            reasons=reasons,
        )
    except ValidationError as error:  # a run took more than ten minutes, or no time at all
        detail = f"what it gave is no {first_problem(error, 'record')}"
        return Failure(run.job.subject, "rejected", detail)
