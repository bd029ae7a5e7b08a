"""A real hub and a real agent, each a process of this machine, between the stages and the board."""

import time
from datetime import datetime, timezone

import pytest

from edge import calibration, record
from edge.family import Artifact, Family, Manifest, Member
from edge.files import sha256_of
from edge.table import Table
from edge.target import make_target
from pipeline import export, measure, targets, verify
from pipeline.data_shape import DataShape
from pipeline.params import Params
from tests.pipeline.remote.lab import Lab

PARAMS = Params.model_validate(
    {
        "targets": [{"device": "board"}],
        "space": {"stem_width": 4, "widths": [4], "depths": [2], "operations": ["skip", "conv_k3"]},
        "profile": {"anchors": 1, "heldout": 1, "blocks": 5, "block_s": 0.2, "warmup_s": 0},
        "verify": {"blocks": 3, "block_s": 0.01, "warmup_s": 0},
    }
)


def after_data(root):
    DataShape((1, 8, 8), classes=2).write(root)


def after_export(root):
    """Two members: the networks and the model files of the profile."""
    anchors = [m for m in record.read(root / measure.RECORDS_FILE) if m.subject.role == "anchor"]
    built = {sha256_of(path): path for path in (root / ".edgefacet").rglob("*.onnx")}
    folder = root / export.FOLDER
    folder.mkdir(parents=True)
    members = []
    for name in ("small", "large"):
        subject = anchors[0].subject
        content = built[subject.sha256].read_bytes()
        (folder / f"{name}.onnx").write_bytes(content)
        artifact = Artifact(
            path=f"{name}.onnx",
            sha256=subject.sha256,
            size_bytes=len(content),
            format="onnx",
            precision="fp32",
        )
        numbers = {"holdout_accuracy": 0.8, "test_accuracy": 0.7, "macs": 1, "parameters": 1}
        architecture = subject.architecture
        members.append(
            Member(name=name, architecture=architecture, artifacts=(artifact,), **numbers)
        )
    shape = {"input_shape": (1, 8, 8), "mean": (0.5,), "std": (0.2,)}
    manifest = Manifest(dataset="toy", classes=("a", "b"), members=tuple(members), **shape)
    manifest.write(folder)


@pytest.mark.slow
def test_a_space_is_profiled_and_members_are_verified_through_a_hub_that_is_killed(
    tmp_path, monkeypatch
):
    lab, root = Lab(tmp_path), tmp_path
    after_data(root)

    def interrupt(_):
        raise KeyboardInterrupt

    with lab.running():
        target = lab.described(PARAMS.target)
        assert target == make_target("onnxruntime", 1, "fp32")
        targets.write([target], PARAMS, root)
        with pytest.raises(KeyboardInterrupt):
            measure.run(PARAMS, root, lab.boards(interrupt))
        time.sleep(1)  # they are somewhere in the middle of it
    with lab.running():
        measure.run(PARAMS, root, lab.boards())
        names = [m.subject.name for m in record.read(root / measure.RECORDS_FILE)]
        assert names[2:] == ["base", "anchor-01", "heldout-01"]
        assert len(Table.read(root / measure.FOLDER).rows) == 1
        (job,) = lab.facet("jobs")["jobs"]  # the interrupted order, and no other
        assert (job["purpose"], job["state"], job["measured"]) == ("profile", "done", 5)
        after_export(root)
        fitted = calibration.fit(
            Table.read(root / measure.FOLDER), [], now=datetime.now(timezone.utc)
        )
        monkeypatch.setattr(verify.calibrate, "read_calibration", lambda _path: fitted)
        verify.run(PARAMS, root=root, boards=lab.boards())
    members = Family.load(root / verify.FAMILY_FOLDER).manifest.members
    assert [(m.name, [last.target for last in m.latencies]) for m in members] == [
        ("small", [target]),
        ("large", [target]),
    ]
