import json
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from edge.bench import Failure
from edge.family import Artifact, Latency, Manifest, Member
from edge.files import sha256_of
from edge.record import Conditions, Measurement
from pipeline import data, export, matching, metrics, references
from pipeline.dataset import DATASET_FILE
from pipeline.formats import format_of
from pipeline.params import Params
from pipeline.references import ReferencesError
from pipeline.verify import FAMILY_FOLDER
from tests.pipeline.made_up import TARGET, checked, noise

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
PARAMS = Params.model_validate({"retrain": {"epochs": 1, "batch_size": 4, "workers": 1}})
MEMBERS_MS = {"small": 0.07, "large": 0.9}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder after `verify`, with a family of a small and a large member; exports are empty."""
    checked(monkeypatch, tmp_path, TARGET)
    (tmp_path / DATASET_FILE).parent.mkdir()
    (tmp_path / DATASET_FILE).write_bytes(data.to_npz(noise()))
    write_family(tmp_path, TARGET)
    kind = replace(format_of(TARGET.runtime), write=lambda _net, _shape, path, *_: path.touch())
    monkeypatch.setattr(matching, "format_of", lambda _runtime: kind)
    monkeypatch.setattr(export, "export_model", exported)
    return tmp_path


def exported(name, _net, _kind, _precisions, folder, *_):
    return [artifact(folder, name)]


def artifact(folder, name):
    path = folder / f"{name}.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(name)
    return Artifact(
        path=path.name,
        sha256=sha256_of(path),
        size_bytes=path.stat().st_size,
        format="onnx",
        precision="fp32",
    )


def write_family(root, target):
    members = [
        Member(
            name=name,
            architecture={},
            holdout_accuracy=accuracy,
            test_accuracy=accuracy,
            macs=1,
            parameters=1,
            artifacts=(artifact(root / FAMILY_FOLDER, name),),
            latencies=(
                Latency(
                    target=target,
                    median_ms=MEMBERS_MS[name],
                    lo_ms=1,
                    hi_ms=1,
                    n=1,
                    verdict="clean",
                    measured_at=NOW.isoformat(),
                ),
            ),
        )
        for name, accuracy in [("large", 0.9), ("small", 0.8)]
    ]
    manifest = Manifest(
        dataset="toy",
        classes=("a", "b", "c"),
        input_shape=(1, 8, 8),
        mean=(0.5,),
        std=(0.2,),
        members=tuple(members),
    )
    manifest.write(root / FAMILY_FOLDER)


def measuring(sessions=None, **others):
    """Members take what they took before, the references 3 and 0.08 ms, an untrained network of
    width w takes w / 100 ms; `others` are other latencies, or verdicts and details of crashes."""
    known = {**MEMBERS_MS, "resnet8": 3.0, "plain-cnn": 0.08, **others}

    def measure(jobs, *_, **__):
        if sessions is not None:
            sessions.append([job.subject.name for job in jobs])
        return [result(job.subject) for job in jobs]

    def result(subject):
        found = known.get(subject.name) or int(subject.name.removeprefix("width-")) / 100
        if found == "SIGSEGV":
            return Failure(subject, "crash", found)
        invalid = found == "invalid"
        return Measurement(
            subject=subject,
            target=TARGET,
            conditions=Conditions(wall_time=NOW.isoformat()),
            warmup_ns=(),
            samples_ns=((1 if invalid else round(found * 1e6),) * 100,) * 7,
            verdict="invalid" if invalid else "clean",
            reasons=("the device throttled",) if invalid else (),
        )

    return measure


def test_the_family_is_held_against_networks_of_its_session(root, capsys):
    sessions = []
    references.run(PARAMS, root, measuring(sessions))
    assert sessions[-1] == ["resnet8", "plain-cnn", "large", "small"]
    found = metrics.read("references", root)
    assert found["plain_cnn_width"] == 8  # 0.08 ms for 0.07: nearer by factor than 0.06
    assert found["over_resnet8_latency_ratio"] == pytest.approx(0.3)
    assert found["over_plain_cnn_latency_ratio"] == pytest.approx(0.07 / 0.08)
    cnn_accuracy = found["plain_cnn_test_accuracy"]
    assert found["over_plain_cnn_test_points"] == pytest.approx(100 * (0.8 - cnn_accuracy))
    content = json.loads((root / references.FOLDER / "references.json").read_text())
    pairs = [(one["member"], one["reference"]) for one in content["comparisons"]]
    assert pairs == [("large", "resnet8"), ("small", "plain-cnn")]
    assert [len(network["latencies"]) for network in content["networks"]] == [1, 1, 1, 1]
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    assert "small against plain-cnn: " in printed


def test_the_width_is_matched_to_the_fastest_member(root):
    sessions = []
    references.run(PARAMS, root, measuring(sessions))
    *probes, _ = sessions
    assert probes
    assert all(names[1] == "small" for names in probes)


@pytest.mark.parametrize(
    ("failing", "message"),
    [
        ({"large": "SIGSEGV"}, "large: crash: SIGSEGV"),
        ({"resnet8": "invalid"}, "resnet8: the device throttled"),
    ],
)
def test_what_cannot_be_measured_is_named_and_what_was_trained_is_kept(root, failing, message):
    with pytest.raises(ReferencesError, match=message):
        references.run(PARAMS, root, measuring(**failing))
    assert len(list((root / ".edgefacet/references").glob("*.pt"))) == 2


def test_a_family_that_was_measured_elsewhere_is_not_compared(root):
    write_family(root, TARGET.model_copy(update={"threads": 4}))
    with pytest.raises(ReferencesError, match=r"dvc repro verify"):
        references.run(PARAMS, root, measuring())
