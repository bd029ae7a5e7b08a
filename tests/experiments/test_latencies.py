from types import SimpleNamespace

import pytest

from benchmarks.rows import as_lines, read
from edge.bench import Failure
from edge.files import sha256_of
from experiments import latencies, rows
from pipeline import data, dataset
from pipeline.dataset import DATASET_FILE
from pipeline.params import Params
from pipeline.reference_nets import Reference
from tests.edge.feedback.made_up import measured
from tests.pipeline.made_up import TARGET, noise, small_space

SPACE = small_space("skip", "conv_k3")
BASE = Params()


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(latencies.check, "describe", lambda _: TARGET)


def test_a_row_is_the_summary_of_a_measurement():
    # three blocks of three runs: medians 1, 2 and 3 ms, of all runs 2 ms
    blocks = tuple((round(1e6 * ms),) * 3 for ms in (1.0, 2.0, 3.0))
    row = latencies._row(measured(1.0, samples_ns=blocks, verdict="suspect"))
    assert (row["architecture"], row["verdict"]) == ("base", "suspect")
    assert (row["median_ms"], row["lo_ms"], row["hi_ms"]) == (2.0, 1.0, 3.0)
    assert row["target"]["runtime"] == "ort"


def test_a_network_that_cannot_be_measured_ends_the_session():
    failure = Failure(measured(1.0).subject, "timeout", "after 9 s")
    with pytest.raises(latencies.SessionError, match="base: timeout: after 9 s"):
        latencies._row(failure)


def test_members_and_references_are_jobs_by_name_and_content(tmp_path, monkeypatch):
    model = tmp_path / "model.onnx"
    model.write_bytes(b"a model")
    monkeypatch.setattr(latencies, "build_files", lambda layers, *_, **__: [model] * len(layers))
    monkeypatch.setattr(
        latencies, "write_file", lambda _net, _kind, _how, _shape, path, _x: path.write_bytes(b"r")
    )
    architecture = SPACE.architecture((0, 1))
    (member,) = latencies._jobs_of([architecture], BASE)
    assert (member.subject.name, member.subject.role) == (architecture.key, "member")
    assert member.subject.sha256 == sha256_of(model)
    assert member.subject.read_architecture() == architecture
    reference = Reference("plain-cnn", 2)
    DATASET_FILE.parent.mkdir()
    DATASET_FILE.write_bytes(data.to_npz(noise()))
    (job,) = latencies._jobs_of_references([reference], BASE, dataset.load())
    assert (job.subject.name, job.subject.role) == ("plain-cnn-2", "reference")
    assert job.path.read_bytes() == b"r"


def test_a_session_replaces_the_rows_of_the_last(task, monkeypatch):
    file = task.results / rows.LATENCIES
    file.parent.mkdir(parents=True)
    file.write_text(as_lines([{"architecture": "of old"}]))
    settings = SimpleNamespace(references=SimpleNamespace(networks=[]))
    for name, result in {
        "load": settings,
        "finished": [],
        "make_space": SPACE,
        "refuse_another": None,
        "_jobs_of": ["one", "two"],
    }.items():
        monkeypatch.setattr(latencies, name, lambda *_, _result=result: _result)
    monkeypatch.setattr(latencies.params, "load", lambda: BASE)
    monkeypatch.setattr(latencies.dataset, "load", noise)
    monkeypatch.setattr(latencies.Table, "read", lambda _: SimpleNamespace(target=TARGET))

    def measure(jobs, target, _how, journal, progress):
        assert target == TARGET
        journal.parent.mkdir()
        journal.touch()
        progress(1, len(jobs))
        return [measured(float(n), *["conv"] * n) for n, _ in enumerate(jobs, start=1)]

    monkeypatch.setattr(latencies, "measure", measure)
    latencies.main.callback(task.root, task.name)
    assert [row["median_ms"] for row in read(file)] == [1.0, 2.0]
    assert not latencies.JOURNAL.exists()
