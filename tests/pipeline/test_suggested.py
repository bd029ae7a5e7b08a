import json

import pytest
from click.testing import CliRunner

import pipeline.measure
from edge.bench import Failure
from edge.feedback import intake
from edge.feedback.candidates import CandidatesError
from edge.record import Conditions, Measurement, read
from pipeline import suggested
from pipeline.params import Params
from pipeline.store import STORE
from pipeline.suggested import SuggestedError, run
from tests.pipeline.made_up import TARGET, checked, small_space

SPACE = small_space("skip", "conv_k3")
NAMES = ["small", "suggested-01"]


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A project after `check`, and a file of two networks; nothing is exported."""
    checked(monkeypatch, tmp_path, TARGET)
    rows = [
        {"name": name, "architecture": SPACE.architecture(choices).to_dict()}
        for name, choices in zip(NAMES, [(0, 0), (1, 1)], strict=True)
    ]
    (tmp_path / "next.json").write_text(json.dumps({"members": rows}))

    def build(models, kind, _export, _workers, store, *, precision):
        assert (kind, precision) == ("onnx", "fp32")
        paths = [store / f"{n}.onnx" for n in range(len(models))]
        for path, layers in zip(paths, models, strict=True):
            path.write_text(" ".join(layer.block.key for layer in layers))
        return paths

    monkeypatch.setattr(pipeline.measure, "build_files", build)
    return tmp_path


def measured(jobs, target, how, journal):
    """1 ms each."""
    return [
        Measurement(
            subject=job.subject,
            target=target,
            conditions=Conditions(wall_time="2026-01-01T00:00:00+00:00"),
            warmup_ns=(),
            samples_ns=((1_000_000,) * 50,) * how.blocks,
            verdict="clean",
        )
        for job in jobs
    ]


def failing(jobs, *args, **options):
    first, second = measured(jobs, *args, **options)
    return [first, Failure(second.subject, "crash", "it broke")]


def test_the_report_can_be_added(root):
    run(Params(), root / "next.json", root / "report.jsonl", root, measured)
    records = read(root / "report.jsonl")
    assert [m.subject.name for m in records] == NAMES
    assert {m.target for m in records} == {TARGET}
    assert records[1].subject.read_architecture() == SPACE.architecture((1, 1))
    assert records[0].subject.sha256 != records[1].subject.sha256
    (result,) = intake.add([root / "report.jsonl"], root / "measurements")
    assert (result.added, result.refused) == (2, ())


def test_what_fails_does_not_take_the_others_with_it(root):
    with pytest.raises(SuggestedError, match=r"(?s)would not run:.*suggested-01: crash: it broke"):
        run(Params(), root / "next.json", root / "report.jsonl", root, failing)
    assert [m.subject.name for m in read(root / "report.jsonl")] == ["small"]


def test_a_killed_session_leaves_its_journal(root):
    def killed(_jobs, _target, _how, journal):
        journal.write_text("blocks")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Params(), root / "next.json", root / "report.jsonl", root, killed)
    (journal,) = (root / STORE / suggested.KIND).glob("*.journal")
    assert journal.stem == TARGET.id
    run(Params(), root / "next.json", root / "report.jsonl", root, measured)
    assert not journal.exists()


def test_another_file_is_refused(root):
    (root / "next.json").write_text("[]")
    with pytest.raises(CandidatesError, match="holds no members"):
        run(Params(), root / "next.json", root / "report.jsonl", root, measured)
    result = CliRunner().invoke(suggested.main, [str(root / "next.json")])
    assert result.exit_code == 1
    assert "holds no members" in result.output
