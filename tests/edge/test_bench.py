import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edge.bench import Failure, Job, Protocol, measure
from edge.files import sha256_of
from edge.host import WorkerError
from edge.record import Measurement, Subject, Target
from edge.target import make_target

FAKE = (sys.executable, str(Path(__file__).parent / "fake_worker.py"))
FLAKY = (sys.executable, str(Path(__file__).parent / "flaky_worker.py"))
TARGET = Target(
    device="test", runtime="fake", runtime_version="1", provider="fake", precision="fp32", threads=1
)
QUICK = Protocol(
    warmup_s=0.0, warmup_runs=10, blocks=3, block_s=0.0, block_runs=60, timeout_s=20.0, pin=False
)


def job(path: Path) -> Job:
    return Job(Subject(kind="file", name=path.stem, sha256=sha256_of(path)), path)


@pytest.fixture
def jobs(tmp_path: Path) -> Callable[..., list[Job]]:
    """One job per word; see fake_worker.py for what each word does."""

    def make(*words: str) -> list[Job]:
        paths = [tmp_path / f"{n}-{word}" for n, word in enumerate(words)]
        for path, word in zip(paths, words, strict=True):
            path.write_text(f"{word} {path.name}")
        return [job(path) for path in paths]

    return make


def quickly(
    jobs: list[Job],
    protocol: Protocol = QUICK,
    target: Target = TARGET,
    journal: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Measurement | Failure]:
    return measure(
        jobs, target, protocol, journal=journal, progress=progress, root=Path("/nowhere"),
        worker=FAKE,
    )  # fmt: skip


def measured(result: Measurement | Failure) -> Measurement:
    assert isinstance(result, Measurement), result
    return result


def failed(result: Measurement | Failure) -> Failure:
    assert isinstance(result, Failure), result
    return result


def test_onnx_models_are_measured_and_a_corrupt_one_is_rejected(
    onnx_model: Callable[[str], Path], tmp_path: Path
) -> None:
    corrupt = tmp_path / "corrupt.onnx"
    corrupt.write_bytes(onnx_model("good").read_bytes()[:-100])
    target = make_target("onnxruntime", threads=1, precision="fp32")
    paths = [onnx_model("first"), corrupt, onnx_model("last")]
    first, bad, last = measure([job(path) for path in paths], target, QUICK)
    assert failed(bad).kind == "rejected"
    assert "corrupt.onnx" in failed(bad).detail
    for result, name in ((first, "first"), (last, "last")):
        record = measured(result)
        assert record.subject.name == name
        assert [len(block) for block in record.samples_ns] == [60, 60, 60]
        assert len(record.warmup_ns) == 10 + 3 * 5  # the warm-up, and five runs before each block
        assert record.target == target
        assert record.peak_memory_bytes is not None
        assert Measurement.model_validate_json(record.to_json()).id == record.id


def test_no_sensors_leave_a_steady_model_unverified(jobs: Callable[..., list[Job]]) -> None:
    (result,) = quickly(jobs("steady"))
    assert measured(result).verdict in ("clean-unverified", "suspect")  # the machine may be busy
    assert measured(result).conditions.other_cpu_load is None


def test_a_model_that_kills_the_worker_is_a_crash_and_the_others_go_on(
    jobs: Callable[..., list[Job]],
) -> None:
    first, bad, last = quickly(jobs("fine", "kill", "fine"))
    assert failed(bad).kind == "crash"
    assert failed(bad).detail == "killed by SIGSEGV: about to fall over"
    assert str(bad) == "1-kill: crash: killed by SIGSEGV: about to fall over"
    assert [len(measured(result).samples_ns) for result in (first, last)] == [3, 3]


@pytest.mark.parametrize(
    ("failing", "kinds"),
    [("1", ["crash"]), ("2", ["crash"]), ("2,3", ["crash", "rejected"])],
)
def test_a_worker_that_does_not_start_again_at_once_spoils_one_model_at_most(
    tmp_path: Path, jobs: Callable[..., list[Job]], failing: str, kinds: list[str]
) -> None:
    worker = (*FLAKY, str(tmp_path / "log"), failing)
    words = ("fine", "fine", "fine", "kill")
    results = measure(jobs(*words), TARGET, QUICK, root=Path("/nowhere"), worker=worker)
    assert sorted(r.kind for r in results if isinstance(r, Failure)) == kinds
    assert sum(isinstance(r, Measurement) for r in results) == len(words) - len(kinds)


def test_a_model_that_hangs_is_a_timeout(jobs: Callable[..., list[Job]]) -> None:
    protocol = Protocol(0.0, 10, blocks=3, block_s=0.0, block_runs=60, timeout_s=4.0, pin=False)
    hung, fine = quickly(jobs("hang", "fine"), protocol)
    assert failed(hung).kind == "timeout"
    assert "within 4 s" in failed(hung).detail
    assert measured(fine).samples_ns


@pytest.mark.parametrize(
    ("word", "kind", "detail"),
    [
        ("hungry", "oom", "out of memory"),
        ("greedy", "oom", "out of memory"),  # refused by the limit, not by the machine
        ("broken", "rejected", "fake refuses this"),
        ("elsewhere", "rejected", "ran on gpu, not on fake"),
    ],
)
def test_a_model_that_fails_is_typed(
    jobs: Callable[..., list[Job]], word: str, kind: str, detail: str
) -> None:
    bad, fine = quickly(jobs(word, "fine"))
    assert (failed(bad).kind, failed(bad).detail) == (kind, detail)
    assert measured(fine).samples_ns


def test_a_worker_killed_from_outside_is_a_crash_of_one_model(
    jobs: Callable[..., list[Job]],
) -> None:
    def kill_once(done: int, _total: int) -> None:
        if done == 3:
            for child in _children():
                os.kill(child, signal.SIGKILL)

    results = quickly(jobs("fine", "fine", "fine"), progress=kill_once)
    crashes = [result for result in results if isinstance(result, Failure)]
    assert [(crash.kind, crash.detail) for crash in crashes] == [("crash", "killed by SIGKILL")]
    assert len(results) == 3


def test_a_file_that_changed_or_is_gone_is_rejected(jobs: Callable[..., list[Job]]) -> None:
    changed, gone, fine = made = jobs("fine", "fine", "fine")
    changed.path.write_text("chatty")
    gone.path.unlink()
    results = quickly(made)
    assert "changed" in failed(results[0]).detail
    assert "cannot read" in failed(results[1]).detail
    assert measured(results[2]).subject == fine.subject


class Stop(Exception):
    """Stands for a kill of the session."""


def stop_after(blocks: int) -> Callable[[int, int], None]:
    def progress(done: int, _total: int) -> None:
        if done == blocks:
            raise Stop

    return progress


def test_a_killed_session_resumes_from_its_journal(
    jobs: Callable[..., list[Job]], tmp_path: Path
) -> None:
    made, journal = jobs("fine", "fine"), tmp_path / "journal.jsonl"
    with pytest.raises(Stop):
        quickly(made, journal=journal, progress=stop_after(4))
    kept = [json.loads(line)[1] for line in journal.read_text().splitlines()[1:]]
    assert len(kept) == 4

    results = quickly(made, journal=journal)
    found = [list(block) for result in results for block in measured(result).samples_ns]
    assert len(found) == 6
    assert all(block["samples_ns"] in found for block in kept)
    assert [measured(result).samples_ns for result in quickly(made, journal=journal)] == [
        measured(result).samples_ns for result in results
    ]  # nothing is left to measure


def test_a_journal_of_another_protocol_is_discarded(
    jobs: Callable[..., list[Job]], tmp_path: Path
) -> None:
    made, journal = jobs("fine"), tmp_path / "journal.jsonl"
    with pytest.raises(Stop):
        quickly(made, journal=journal, progress=stop_after(2))
    longer = Protocol(0.0, 10, blocks=3, block_s=0.0, block_runs=70, timeout_s=20.0, pin=False)
    (result,) = quickly(made, longer, journal=journal)
    assert [len(block) for block in measured(result).samples_ns] == [70, 70, 70]


def test_other_limits_keep_the_blocks_that_are_there(
    jobs: Callable[..., list[Job]], tmp_path: Path
) -> None:
    """After a kill for want of memory the next call has a lower limit; MemTotal, from which a
    small board's comes, is another one after an update of the kernel."""
    made, journal = jobs("fine"), tmp_path / "journal.jsonl"
    with pytest.raises(Stop):
        quickly(made, journal=journal, progress=stop_after(2))
    kept = journal.read_text()
    quickly(made, replace(QUICK, memory_limit_bytes=1 << 30, timeout_s=9.0), journal=journal)
    assert journal.read_text().startswith(kept)


def test_every_round_visits_each_model_once_in_an_order_of_its_own(
    jobs: Callable[..., list[Job]], tmp_path: Path
) -> None:
    made, journal = jobs(*["fine"] * 5), tmp_path / "journal.jsonl"
    with pytest.raises(Stop):
        quickly(made, journal=journal, progress=stop_after(15))
    keys = [json.loads(line)[0] for line in journal.read_text().splitlines()[1:]]
    rounds = [keys[0:5], keys[5:10], keys[10:15]]
    assert all(len(set(visited)) == 5 for visited in rounds)
    assert len({tuple(visited) for visited in rounds}) > 1


def test_progress_counts_every_block(jobs: Callable[..., list[Job]]) -> None:
    seen: list[tuple[int, int]] = []
    quickly(jobs("fine", "broken"), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(n, 6) for n in range(1, 7)]


def test_another_version_than_the_targets_is_refused(jobs: Callable[..., list[Job]]) -> None:
    older = TARGET.model_copy(update={"runtime_version": "0.9"})
    with pytest.raises(WorkerError, match=r"fake 0\.9 but 1 is installed"):
        quickly(jobs("fine"), target=older)


def test_a_missing_runtime_stops_the_session(jobs: Callable[..., list[Job]]) -> None:
    unknown = TARGET.model_copy(update={"runtime": "fakee"})
    with pytest.raises(WorkerError, match="did you mean 'fake'"):
        quickly(jobs("fine"), target=unknown)


def test_a_worker_that_cannot_start_says_why(jobs: Callable[..., list[Job]]) -> None:
    command = (sys.executable, "-c", "raise SystemExit('no such thing')")
    with pytest.raises(WorkerError, match=r"did not start: exit code 1: no such thing"):
        measure(jobs("fine"), TARGET, QUICK, worker=command)


def test_the_runs_of_a_block_can_be_limited(jobs: Callable[..., list[Job]]) -> None:
    protocol = Protocol(0.0, 10, blocks=3, block_s=60.0, block_runs=50, max_runs=70, pin=False)
    (result,) = quickly(jobs("fine"), protocol)
    assert [len(block) for block in measured(result).samples_ns] == [70, 70, 70]


@pytest.mark.parametrize("ns", [0, 600 * 10**9 + 1])
def test_a_time_that_no_record_holds_is_a_failure_of_its_model(
    tmp_path: Path, jobs: Callable[..., list[Job]], ns: int
) -> None:
    code = (
        "import json, sys\n"
        "say = lambda answer: print(json.dumps(answer), flush=True)\n"
        "say({'version': '1'})\n"
        "for line in sys.stdin:\n"
        "    samples = 49 * [1000] + [int(sys.argv[1]) if json.loads(line)['id'] else 1000]\n"
        "    say({'provider': 'fake', 'peak_memory_bytes': None, 'warmup_ns': [],"
        " 'samples_ns': samples})\n"
    )
    worker = (sys.executable, "-c", code, str(ns))
    for _ in range(2):  # the second time from the journal
        good, bad = measure(jobs("a", "b"), TARGET, QUICK, journal=tmp_path / "j", worker=worker)
        assert measured(good).median_ms == 0.001
        assert isinstance(bad, Failure)
        assert bad.kind == "rejected"
        assert bad.detail.startswith("what it gave is no record: a sample outside 1 ns")


def test_nothing_to_measure_starts_nothing() -> None:
    assert measure([], TARGET, QUICK, worker=("/no/such/program",)) == []


def _children() -> list[int]:
    """The workers of this process."""
    mine = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended while we looked
            continue
        if int(fields[1]) == os.getpid():
            mine.append(int(stat.parent.name))
    return mine
