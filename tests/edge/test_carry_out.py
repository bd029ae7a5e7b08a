"""With the fake runtime: see fake_worker.py for what each word in a model file does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from edge import carry_out as module
from edge.bench import Failure
from edge.carry_out import carry_out, forget
from edge.orders import Order
from edge.record import Measurement, Target
from edge.runtimes import MissingRuntime
from edge.session import Result
from tests.edge.bundles import models_in, order

WORKER = (sys.executable, str(Path(__file__).parent / "fake_worker.py"))
TARGET = Target(
    device="d", runtime="fake", runtime_version="1", provider="fake", precision="int8", threads=2
)
HOW = {"warmup_s": 0, "blocks": 3, "block_s": 0, "block_runs": 50, "timeout_s": 4}


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, str]]:
    """What a target was made for."""
    calls = []

    def make_target(runtime: str, threads: int, precision: str, _root: Path) -> Target:
        calls.append((runtime, threads, precision))
        return TARGET

    monkeypatch.setattr(module, "make_target", make_target)
    return calls


def measured(folder: Path, *words: str, **more: Any) -> tuple[Order, list[Result]]:
    models = {f"{number}-{word}": f"{word} {number}".encode() for number, word in enumerate(words)}
    made = order(models, how=HOW, threads=2, precision="int8")
    files = models_in(folder, models)
    return made, carry_out(made, files, root=Path("/nowhere"), worker=WORKER, **more)


def kinds(results: list[Result]) -> list[str]:
    return [r.kind if isinstance(r, Failure) else "measured" for r in results]


def test_results_are_in_the_order_of_the_order(
    tmp_path: Path, asked: list[tuple[str, int, str]]
) -> None:
    made, results = measured(tmp_path, "fine", "broken", "hungry", "fine")
    assert kinds(results) == ["measured", "rejected", "oom", "measured"]
    assert [r.subject for r in results] == [model.subject for model in made.models]
    assert asked == [("onnxruntime", 2, "int8")]


def test_a_model_that_names_other_files_is_refused(tmp_path: Path) -> None:
    _, results = measured(tmp_path, "nosy", "fine")
    assert kinds(results) == ["rejected", "measured"]


def test_the_protocol_is_that_of_the_order(tmp_path: Path) -> None:
    _, (result,) = measured(tmp_path, "fine")
    assert isinstance(result, Measurement)
    assert [len(block) for block in result.samples_ns] == [50, 50, 50]
    assert result.target == TARGET


def test_every_provider_has_a_session_of_its_own(tmp_path: Path) -> None:
    _, results = measured(tmp_path, "fine", "elsewhere")
    assert [r.target.provider for r in results if isinstance(r, Measurement)] == ["fake", "gpu"]


def test_a_call_that_was_killed_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = tmp_path / "report.journal"
    done = []

    def kill(_task: str, blocks: int, _of: int) -> None:
        done.append(blocks)
        if len(done) == 6:  # loading 0, 1 and 2; blocks 1, 2 and 3 of 6
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measured(tmp_path, "fine", "fine", journal=journal, progress=kill)
    (kept,) = tmp_path.glob("report.journal.*")
    assert len(kept.read_text().splitlines()) == 1 + 3
    before = kept.read_text().splitlines()
    _, results = measured(tmp_path, "fine", "fine", journal=journal)
    assert kinds(results) == ["measured", "measured"]
    assert kept.read_text().splitlines()[: len(before)] == before
    assert len(kept.read_text().splitlines()) == 1 + 6  # a header, and no block measured twice
    forget(journal)
    assert not list(tmp_path.glob("report.journal*"))


def test_other_journals_are_not_forgotten(tmp_path: Path) -> None:
    mine, others = tmp_path / "a[1].journal.0123456789ab", tmp_path / "a1.journal.0123456789ab"
    for path in (mine, others):
        path.touch()
    forget(tmp_path / "a[1].journal")
    assert list(tmp_path.iterdir()) == [others]


def test_a_board_without_the_runtime_has_no_failures_but_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> Target:
        raise MissingRuntime("not installed: pip install it")

    monkeypatch.setattr(module, "make_target", missing)
    with pytest.raises(MissingRuntime):
        measured(tmp_path, "fine")


def test_a_file_that_is_not_the_ordered_one_is_never_loaded(tmp_path: Path) -> None:
    made, _ = measured(tmp_path, "fine")
    other = tmp_path / "other"
    other.write_text("fine, but another")
    files = {made.models[0].subject.sha256: other}
    (result,) = carry_out(made, files, root=Path("/nowhere"), worker=WORKER)
    assert isinstance(result, Failure)
    assert "its sha256 is another one" in result.detail
