"""With results that are made up: ../test_session.py and ../test_measure_hostile.py measure."""

import errno
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edge import device, record, session
from edge.bench import Failure
from edge.cli import main
from edge.model_files import Model
from edge.record import Conditions, Measurement, Target
from tests.edge import families

TARGET = Target(
    device="a board", runtime="onnxruntime", runtime_version="1", provider="CPU",
    precision="unknown", threads=2,
)  # fmt: skip
BLOCKS = (*[(2_000_000,) * 100] * 4, (2_500_000,) * 100)  # 2 ms, then 2.5 ms


def facet(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["measure", *map(str, arguments)])


def measurement(model: Model, **changes: Any) -> Measurement:
    fields = {
        "subject": model.job.subject,
        "target": TARGET,
        "conditions": Conditions(wall_time="2026-01-01T00:00:00+00:00"),
        "warmup_ns": (),
        "samples_ns": BLOCKS,
        "peak_memory_bytes": 1_500_000,
        "verdict": "clean",
    }
    return Measurement.model_validate({**fields, **changes})


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> list[session.Setting]:
    """Measures nothing: a file that is called bad fails, one called busy is suspect.

    Returns the settings that it was called with.
    """
    called = []

    def measure_models(
        models: Sequence[Model],
        setting: session.Setting,
        *,
        progress: session.Progress,
        keep: Callable[[Measurement], object] = lambda _: None,
    ) -> list[session.Result]:
        called.append(setting)
        progress("measuring", 0, len(models))
        results: list[session.Result] = []
        for model in models:
            if "bad" in model.job.path.name:
                results.append(Failure(model.job.subject, "timeout", "no answer within 60 s"))
                continue
            busy = {"verdict": "suspect", "reasons": ("others used 40.0% of the CPU",)}
            made = measurement(model, **(busy if "busy" in model.job.path.name else {}))
            keep(made)
            results.append(made)
        return results

    monkeypatch.setattr(session, "measure_models", measure_models)
    return called


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., list[Path]]:
    def make(*names: str) -> list[Path]:
        for name in names:
            (tmp_path / name).write_bytes(b"0" * 12_345)
        return [tmp_path / name for name in names]

    return make


Files = Callable[..., list[Path]]


def test_a_table_per_target_and_a_verdict_per_model(answer: object, files: Files) -> None:
    result = facet(*files("one.onnx", "busy.onnx"))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"Target {TARGET.id}: a board")
    # Mean of the block medians 2.1, sd 0.2236, t(4) = 2.776: 2.1 ± 0.278, 18.9 % above 2.
    expected = ["one.onnx", "2.000", "18.9", "2.500", "2.500", "2.500", "500", "1.5", "12"]
    assert expected in [line.split() for line in lines]
    assert "- one.onnx: clean" in lines
    assert "- busy.onnx: suspect: others used 40.0% of the CPU" in lines
    assert lines[-1].endswith("facet info")
    assert max(map(len, lines)) <= 80


def test_what_failed_is_listed_with_the_rest_and_exits_4(answer: object, files: Files) -> None:
    result = facet(*files("one.onnx", "bad.onnx"))
    assert result.exit_code == 4
    assert "one.onnx" in result.stdout
    assert result.stdout.endswith("Not measured:\n- bad.onnx: timeout: no answer within 60 s\n")


def test_nothing_measured_exits_1_and_says_why(answer: object, files: Files) -> None:
    result = facet(*files("bad.onnx"), "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["targets"], told["measured"]) == ([], [])
    assert [failed["kind"] for failed in told["failed"]] == ["timeout"]


def test_the_json_is_the_documented_one(answer: object, files: Files) -> None:
    good, bad = files("one.onnx", "bad.onnx")
    told = json.loads(facet(good, bad, "--json").stdout)
    assert told["targets"] == [{"id": TARGET.id, **TARGET.model_dump()}]
    (one,), (failed,) = told["measured"], told["failed"]
    assert (one["name"], one["file"], one["size_bytes"]) == ("one.onnx", str(good), 12_345)
    assert (one["target"], one["median_ms"], one["n"], one["blocks"]) == (TARGET.id, 2.0, 500, 5)
    assert failed == {
        "name": "bad.onnx", "file": str(bad), "kind": "timeout", "detail": "no answer within 60 s",
    }  # fmt: skip
    page = (Path(__file__).parents[3] / "docs/cli.md").read_text()
    assert [key for key in {**told, **one, **failed} if f"`{key}`" not in page] == []


def test_progress_does_not_disturb_the_json(answer: object, files: Files) -> None:
    result = facet(*files("one.onnx"), "--json")
    assert result.stderr == "measuring ...\n"


def test_records_are_appended(answer: object, files: Files, tmp_path: Path) -> None:
    out = tmp_path / "new" / "records.jsonl"
    for _ in range(2):
        result = facet(*files("one.onnx", "bad.onnx"), "--out", out, "--json")
    found = record.read(out)
    assert [m.subject.name for m in found] == ["one.onnx", "one.onnx"]
    assert json.loads(result.stdout)["measured"][0]["record"] == found[0].id


def test_options_become_the_protocol(answer: list[session.Setting], files: Files) -> None:
    options = ["--threads", 2, "--blocks", 5, "--min-time", 0.5, "--timeout", 9]
    assert facet(*files("one.onnx"), *options, "--memory-limit", 512).exit_code == 0
    (setting,) = answer
    protocol = setting.protocol
    assert (setting.threads, protocol.blocks, protocol.block_s) == (2, 5, 0.5)
    assert (protocol.timeout_s, protocol.memory_limit_bytes) == (9, 536_870_912)


def test_threads_that_share_a_core_are_told(
    answer: object, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = replace(device.describe(), cores=4)
    monkeypatch.setattr(device, "describe", lambda: board)
    (model,) = files("one.onnx")
    assert "--threads" not in facet(model, "--threads", 4).stderr
    assert "--threads 5: this machine has 4 cores" in facet(model, "--threads", 5).stderr


def test_a_family_is_measured_in_the_precision_that_is_named(
    answer: object, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    families.family(tmp_path, ("onnx", "fp32"), ("onnx", "int8"))
    asked = ["--family", tmp_path, "--runtime", "onnxruntime", "--json"]
    every = json.loads(facet(*asked).stdout)["measured"]
    assert len(every) == 4
    found = json.loads(facet(*asked, "--precision", "int8").stdout)["measured"]
    assert [Path(one["file"]).name for one in found] == ["small-int8.onnx", "large-int8.onnx"]


def test_a_family_is_named_instead_of_files(answer: object, files: Files, tmp_path: Path) -> None:
    for arguments in ([], [*files("one.onnx"), "--family", tmp_path]):
        result = facet(*arguments)
        assert result.exit_code == 2
        assert "either model files or a --family" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-file.onnx"],
        ["--blocks", 2],
        ["--min-time", 0],
        ["--threads", 0],
        ["--timeout", -1],
    ],
)
def test_wrong_usage_exits_2(answer: object, files: Files, arguments: list[object]) -> None:
    assert facet(*files("one.onnx"), *arguments).exit_code == 2


def test_a_place_that_cannot_be_written_is_found_before_measuring(
    answer: list[session.Setting], files: Files, tmp_path: Path
) -> None:
    (blocked,) = files("a-file")
    result = facet(*files("one.onnx"), "--out", blocked / "records.jsonl")
    assert result.exit_code == 1
    assert "cannot write" in " ".join(result.stderr.split())
    assert answer == []


def test_a_model_in_the_place_of_the_records_stays_as_it_is(
    answer: list[session.Setting], files: Files
) -> None:
    """`facet measure --out *.onnx` makes the first model the place of the records."""
    first, second = files("one.onnx", "two.onnx")
    result = facet(second, "--out", first)
    assert result.exit_code == 1
    assert "neither a record nor the beginning of one: choose another --out" in result.stderr
    assert first.read_bytes() == b"0" * 12_345
    assert answer == []


def test_a_disk_that_is_full_is_told(
    answer: object, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(record, "append", full)
    result = facet(*files("one.onnx"), "--out", tmp_path / "records.jsonl")
    assert result.exit_code == 1
    assert "No space left on device: choose another --out" in " ".join(result.stderr.split())


def test_another_suffix_is_an_error_that_says_what_to_do(answer: object, files: Files) -> None:
    result = facet(*files("one.pt"))
    assert result.exit_code == 1
    assert "--runtime" in result.stderr


@pytest.mark.parametrize(
    ("memory_bytes", "limit_bytes"),
    [(1 << 30, 805_306_368), (8 << 30, 4 << 30), (None, 3 << 30)],
)
def test_a_small_board_keeps_a_quarter_of_its_memory(
    answer: list[session.Setting],
    files: Files,
    monkeypatch: pytest.MonkeyPatch,
    memory_bytes: int | None,
    limit_bytes: int,
) -> None:
    board = replace(device.describe(), memory_bytes=memory_bytes)
    monkeypatch.setattr(device, "describe", lambda: board)
    facet(*files("one.onnx"))
    assert answer[0].protocol.memory_limit_bytes == limit_bytes
