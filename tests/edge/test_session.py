"""With the fake runtime: see fake_worker.py for what each word in a model file does."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edge import session
from edge.bench import Failure, Job, Protocol
from edge.files import sha256_of
from edge.model_files import Model
from edge.record import Measurement, Subject, Target
from edge.runtimes import MissingRuntime
from edge.session import Result, Setting, measure_models

QUICK = Protocol(
    warmup_s=0.0, warmup_runs=2, blocks=3, block_s=0.0, block_runs=50, timeout_s=4.0, pin=False
)
SETTING = Setting(
    1, QUICK, Path("/nowhere"), (sys.executable, str(Path(__file__).parent / "fake_worker.py"))
)
TARGET = Target(
    device="d", runtime="fake", runtime_version="1", provider="fake", precision="fp32", threads=1
)
Make = Callable[..., list[Model]]


@pytest.fixture(autouse=True)
def _fake_target(monkeypatch: pytest.MonkeyPatch) -> None:
    def make_target(runtime: str, threads: int, precision: str, _root: Path) -> Target:
        if runtime == "missing":
            raise MissingRuntime("missing is not installed")
        return TARGET.model_copy(
            update={"runtime": runtime, "threads": threads, "precision": precision}
        )

    monkeypatch.setattr(session, "make_target", make_target)


@pytest.fixture
def models(tmp_path: Path) -> Make:
    def make(*words: str, runtime: str = "fake", precision: str = "fp32") -> list[Model]:
        made = []
        for number, word in enumerate(words):
            path = tmp_path / f"{runtime}-{precision}-{number}-{word}"
            path.write_text(f"{word} {path.name}")
            subject = Subject(kind="file", name=word, sha256=sha256_of(path))
            made.append(Model(Job(subject, path), runtime, precision, 1))
        return made

    return make


def kinds(results: list[Result]) -> list[str]:
    return [r.kind if isinstance(r, Failure) else "measured" for r in results]


def test_what_fails_is_reported_in_its_place_and_the_others_are_measured(models: Make) -> None:
    words = ("fine", "broken", "hungry", "hang", "fine")
    results = measure_models(models(*words), SETTING)
    assert kinds(results) == ["measured", "rejected", "oom", "timeout", "measured"]


def test_a_model_belongs_to_the_provider_that_ran_it(models: Make) -> None:
    fine, elsewhere = measure_models(models("fine", "elsewhere"), SETTING)
    assert isinstance(fine, Measurement)
    assert isinstance(elsewhere, Measurement)
    assert (fine.target.provider, elsewhere.target.provider) == ("fake", "gpu")


def test_a_model_that_dies_only_under_load_fails_alone(models: Make) -> None:
    results = measure_models(models("fine", "kill"), SETTING)
    assert kinds(results) == ["measured", "crash"]


def test_a_worker_that_does_not_start_again_spoils_one_model(tmp_path: Path, models: Make) -> None:
    flaky = (sys.executable, str(Path(__file__).parent / "flaky_worker.py"))
    setting = replace(SETTING, worker=(*flaky, str(tmp_path / "log"), "2,3"))
    jobs = [model.job for model in models("hang", "fine", "fine")]
    found = session.probe(jobs, TARGET, setting)
    assert [f.kind if isinstance(f, Failure) else f for f in found] == [
        "timeout",
        "rejected",
        TARGET,
    ]


def test_every_precision_is_a_target_of_its_own(models: Make) -> None:
    results = measure_models([*models("fine"), *models("fine", precision="int8")], SETTING)
    assert [r.target.precision for r in results if isinstance(r, Measurement)] == ["fp32", "int8"]


def test_a_runtime_that_is_missing_fails_only_its_own_models(models: Make) -> None:
    results = measure_models([*models("fine", runtime="missing"), *models("fine")], SETTING)
    assert kinds(results) == ["rejected", "measured"]
    assert str(results[0]) == "fine: rejected: missing is not installed"


def test_a_runtime_that_does_not_start_fails_only_its_own_models(models: Make) -> None:
    results = measure_models([*models("fine", runtime="fakee"), *models("fine")], SETTING)
    assert kinds(results) == ["rejected", "measured"]
    assert "did you mean 'fake'" in str(results[0])


def test_a_runtime_that_finds_too_little_memory_to_start_is_no_fault_of_the_model(
    models: Make,
) -> None:
    setting = replace(SETTING, worker=(sys.executable, "-c", "raise MemoryError"))
    assert kinds(measure_models(models("fine"), setting)) == ["oom"]


def test_nothing_is_loaded_of_a_file_that_changed_or_is_gone(models: Make) -> None:
    changed, gone, _ = made = models("fine", "fine", "fine")
    changed.job.path.write_text("hang")
    gone.job.path.unlink()
    results = measure_models(made, SETTING)
    assert kinds(results) == ["rejected", "rejected", "measured"]
    assert "changed" in str(results[0])
    assert "cannot read" in str(results[1])


def test_records_are_kept_one_session_at_a_time(models: Make) -> None:
    kept: list[Measurement] = []
    results = measure_models(models("fine", "elsewhere", "broken"), SETTING, keep=kept.append)
    assert kept == results[:2]


def test_progress_names_what_is_done_and_counts_it(models: Make) -> None:
    seen: list[tuple[str, int, int]] = []
    measure_models(models("fine"), SETTING, progress=lambda *step: seen.append(step))
    loading, measuring = "loading 1 for fake", "measuring 1 on fake, fake"
    assert seen == [
        *((loading, n, 1) for n in range(2)),
        *((measuring, n, 3) for n in range(4)),
    ]
