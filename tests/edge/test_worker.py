import gc
import io
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.host import Host, WorkerError
from edge.worker import failure_kind, serve, time_runs

HERE = Path(__file__).parent


def test_every_run_is_timed_by_the_clock_around_it() -> None:
    clock = iter([0, 10, 15, 20, 27]).__next__  # end of the block, then start and stop of two runs
    assert time_runs(lambda _feeds: None, {}, runs=2, seconds=0.0, clock=clock) == [5, 7]


def test_a_block_lasts_until_both_runs_and_seconds_are_reached() -> None:
    tick = itertools.count(0, 1_000_000).__next__  # every look at the clock takes 1 ms
    # Until 10 ms: the runs end at 2, 4, 6, 8 and 10 ms.
    assert time_runs(lambda _feeds: None, {}, runs=1, seconds=0.01, clock=tick) == [1_000_000] * 5


@pytest.mark.parametrize(("runs", "made"), [(1, 3), (4, 4)])
def test_a_block_ends_early_after_the_most_runs_but_not_before_the_least(
    runs: int, made: int
) -> None:
    tick = itertools.count().__next__
    assert (
        len(time_runs(lambda _feeds: None, {}, runs, seconds=1.0, max_runs=3, clock=tick)) == made
    )


def test_a_block_may_outgrow_its_preallocated_list() -> None:
    tick = itertools.count().__next__
    assert time_runs(lambda _feeds: None, {}, runs=1, seconds=2e-5, clock=tick) == [1] * 10_000


def test_nothing_is_collected_during_a_block_and_again_after() -> None:
    during = []
    time_runs(lambda _feeds: during.append(gc.isenabled()), {}, runs=2, seconds=0.0)
    assert during == [False, False]
    assert gc.isenabled()


def test_garbage_collection_comes_back_after_a_failed_run() -> None:
    def fail(_feeds: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        time_runs(fail, {}, runs=1, seconds=0.0)
    assert gc.isenabled()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("std::bad_alloc", "oom"),
        ("Failed to allocate memory for ...", "oom"),
        ("env.cc:327 pthread_create failed, error code: 11", "oom"),
        ("no", "rejected"),
    ],
)
def test_an_error_of_the_other_side_is_told_by_its_text(text: str, kind: str) -> None:
    assert failure_kind(RuntimeError(text)) == kind


def test_one_answer_a_line() -> None:
    class Echo:
        def answer(self, request: dict[str, int]) -> dict[str, int]:
            return {"got": request["n"]}

    answers = io.StringIO()
    serve(Echo(), io.StringIO('{"n": 1}\n{"n": 2}\n'), answers)  # type: ignore[arg-type]
    assert [json.loads(line) for line in answers.getvalue().splitlines()] == [
        {"got": 1},
        {"got": 2},
    ]


def start(*options: str, parent: int | None = None) -> "subprocess.Popen[str]":
    command = [sys.executable, str(HERE / "fake_worker.py"), "--runtime", "fake", "--threads", "1"]
    return subprocess.Popen(
        [*command, "--parent", str(parent or os.getpid()), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
    )


def test_a_worker_ends_with_its_input_and_prints_only_answers(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("chatty")
    load = {"do": "load", "id": 0, "path": str(tmp_path / "model"), "seed": 0}
    block = {"do": "block", "id": 0, "settle": 2, "seconds": 0, "runs": 3, "max_runs": None}
    requests = [{**load, "seconds": 0, "runs": 4}, block]
    worker = start()
    output, _ = worker.communicate("".join(json.dumps(r) + "\n" for r in requests), timeout=20)
    hello, loaded, measured = map(json.loads, output.splitlines())
    assert worker.returncode == 0
    assert hello == {"version": "1"}
    assert loaded["provider"] == "fake"
    assert len(loaded["warmup_ns"]) == 4
    assert loaded["peak_memory_bytes"] >= 0
    assert len(measured["warmup_ns"]) == 2
    assert len(measured["samples_ns"]) == 3


def test_a_worker_is_confined_to_its_cores_and_memory() -> None:
    worker = start("--pin", "--memory-limit-bytes", str(1 << 30))
    assert worker.stdout is not None
    worker.stdout.readline()  # hello: it is confined by now
    assert len(os.sched_getaffinity(worker.pid)) == 1
    limits = Path(f"/proc/{worker.pid}/limits").read_text()
    data = next(line for line in limits.splitlines() if line.startswith("Max data size"))
    assert data.split()[3] == str(1 << 30)
    worker.communicate(timeout=20)


LIMITED = ["--threads", "1", "--memory-limit-bytes"]
FULL = """
import edge.runtimes
from edge.worker import main
def full(_name): raise MemoryError
edge.runtimes.get_runtime = full
main()
"""


def test_a_limit_that_the_runtime_itself_exceeds_is_told() -> None:
    """In the place of the end of a traceback."""
    limit = ["--runtime", "any", *LIMITED, str(1 << 30), "--parent", str(os.getpid())]
    done = subprocess.run(
        [sys.executable, "-c", FULL, *limit], capture_output=True, text=True, timeout=60
    )
    assert json.loads(done.stdout) == {
        "error": "a memory limit of 1024 MiB is less than any itself takes: raise it",
        "kind": "oom",
    }
    assert done.returncode == 0


@pytest.mark.parametrize("limit_mib", [64, 76])
def test_whatever_finds_no_memory_first_the_runtime_is_not_at_fault(limit_mib: int) -> None:
    """Python, the runtime, or numpy's OpenBLAS: that depends on the machine."""
    pytest.importorskip("onnxruntime")
    limit = ["--runtime", "onnxruntime", *LIMITED, str(limit_mib << 20)]
    with pytest.raises(WorkerError) as caught:
        Host([sys.executable, "-m", "edge.worker", *limit], 60.0)
    assert caught.value.kind == "oom"


def test_a_worker_whose_parent_is_gone_does_not_stay() -> None:
    worker = start(parent=1)
    assert worker.communicate(timeout=20)[0] == ""
    assert worker.returncode == 0


def test_no_thread_is_there_before_it_is_confined() -> None:
    code = "import sys, edge.worker; print('numpy' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"


def without_privilege(*command: str) -> list[str]:
    """`command` without the right to make namespaces (CAP_SYS_ADMIN), which root has."""
    drop = "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 21); "
    run = "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    return [sys.executable, "-c", drop + run, *command]


def test_a_worker_of_an_ordinary_user_has_no_network() -> None:
    pytest.importorskip("onnxruntime")
    unshare = "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare(0x50000000) != 0)"
    if subprocess.run(without_privilege("-c", unshare)).returncode:
        pytest.skip("users may make no namespaces here")
    options = ["--runtime", "onnxruntime", "--threads", "1", "--parent", str(os.getpid())]
    worker = subprocess.Popen(
        without_privilege("-m", "edge.worker", *options),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
    )
    assert worker.stdout is not None
    assert "version" in json.loads(worker.stdout.readline())
    network = Path(f"/proc/{worker.pid}/ns/net").readlink()
    worker.communicate(timeout=20)
    assert network != Path("/proc/self/ns/net").readlink()
