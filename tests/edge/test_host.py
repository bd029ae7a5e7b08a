import sys

import pytest

from edge.host import Host, WorkerError, WorkerLost

HELLO = 'import os, sys, time; print(\'{"version": "1"}\', flush=True); sys.stdin.readline(); '


def worker(code: str) -> Host:
    """A process that says hello, waits for one request, and then does what `code` says."""
    return Host([sys.executable, "-c", HELLO + code], timeout_s=20.0)


def test_an_answer_is_the_line_that_follows_the_request() -> None:
    with worker("print('{\"n\": 1}', flush=True); sys.stdin.readline()") as host:
        assert host.version == "1"
        assert host.ask({}) == {"n": 1}


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        # It closes its output before it ends: the code is still its own.
        ("os.close(1); time.sleep(0.2); sys.stderr.write('why'); os._exit(3)", "exit code 3: why"),
        ("os.kill(os.getpid(), 11)", "killed by SIGSEGV"),
        ("os.close(1); time.sleep(60)", "killed by SIGKILL"),  # by us
    ],
)
def test_a_worker_that_ends_says_how(code: str, detail: str) -> None:
    with worker(code) as host:
        with pytest.raises(WorkerLost) as lost:
            host.ask({})
        assert (lost.value.kind, str(lost.value)) == ("crash", detail)


@pytest.mark.parametrize(
    "code",
    [
        "raise MemoryError",
        "sys.stderr.write('  what():  std::bad_alloc'); os._exit(1)",
        "sys.stderr.write('OpenBLAS error: Memory allocation still failed…'); os._exit(1)",
    ],
)
def test_a_worker_that_ends_for_want_of_memory_says_that(code: str) -> None:
    with worker(code) as host:
        with pytest.raises(WorkerLost) as lost:
            host.ask({})
        assert (lost.value.kind, str(lost.value)) == ("oom", "out of memory: exit code 1")


def test_a_block_of_a_minute_has_its_minute_beside_the_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nothing(*waiting: object) -> tuple[list[int], list[int], list[int]]:
        waited_s.append(waiting[-1])
        return [], [], []

    waited_s: list[object] = []
    with worker("") as host:
        monkeypatch.setattr("edge.host.time.monotonic", lambda: 0.0)
        monkeypatch.setattr("edge.host.select.select", nothing)
        with pytest.raises(WorkerLost, match="no answer within 80 s"):
            host.ask({"seconds": 60.0})
    assert waited_s == [80.0]


def test_a_process_that_says_nothing_did_not_start() -> None:
    with pytest.raises(WorkerError, match=r"did not start: exit code 2: no") as caught:
        Host([sys.executable, "-c", "import sys; sys.stderr.write('no'); sys.exit(2)"], 20.0)
    assert caught.value.kind == "rejected"


def test_a_process_that_finds_too_little_memory_to_start_says_that() -> None:
    with pytest.raises(WorkerError, match="start: out of memory: exit code 1: raise") as caught:
        Host([sys.executable, "-c", "raise MemoryError"], 20.0)
    assert caught.value.kind == "oom"
    said = 'print(\'{"error": "a limit of 64 MiB", "kind": "oom"}\')'
    with pytest.raises(WorkerError, match="a limit of 64 MiB") as caught:
        Host([sys.executable, "-c", said], 20.0)
    assert caught.value.kind == "oom"
