from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.agent.inbox import Inbox
from edge.family import Family, FamilyError, IntegrityError, Manifest
from edge.files import sha256_of
from edge.here import NotMeasuredHere
from edge.model import load
from edge.pick import NoFit, Question, standing
from edge.preprocess import BadImage
from edge.serving.controller import ladder
from edge.serving.family import rungs
from tests.edge import runnable
from tests.edge.test_pick import member

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

IMAGE = np.array([[0, 255], [51, 0]], np.uint8)  # the second of four pixels is the brightest
BUDGET_MS = 1e5  # an inference takes far less, whatever the machine does


@pytest.fixture
def family(tmp_path: Path) -> Family:
    """Two members, which were measured as if they took seconds: 1 and 4 s."""
    data = runnable.manifest(tmp_path, {"onnxruntime": runnable.here()})
    for one in data["members"]:
        one["architecture"] = {"space": "s", "rows": []}
        for name in ("median_ms", "lo_ms", "hi_ms", "p95_ms"):
            one["latencies"][0][name] *= 1e3
    return written(tmp_path, data)


def written(folder: Path, data: dict[str, Any]) -> Family:
    Manifest.model_validate(data).write(folder)
    return Family.load(folder)


def test_the_most_accurate_member_that_fits_answers_as_a_model_does(family):
    with family.serve(BUDGET_MS) as server:
        y = server(IMAGE)
        assert server.counters.member == "large"
        assert server.counters.by_member == {"small": 0, "large": 1}
    assert y == pytest.approx(family.pick(BUDGET_MS)(IMAGE))
    assert y.argmax() == 1


def test_a_smaller_budget_is_a_smaller_member(family):
    with family.serve(3e3) as server:
        server(IMAGE)
        assert server.counters.member == "small"


def test_a_batch_would_be_several_inferences(family):
    with family.serve(BUDGET_MS) as server:
        with pytest.raises(BadImage, match="one image at a time"):
            server(np.stack([IMAGE, IMAGE])[..., None])
        assert server.counters.calls == 0


def test_where_nothing_is_proven_to_fit_it_does_not_begin(family):
    with pytest.raises(NoFit, match="small"):
        family.serve(1.0)
    with pytest.raises(NoFit):
        family.serve(3e3, min_accuracy=0.85)


def test_a_member_less_accurate_than_asked_for_is_no_way_out(family):
    with family.serve(BUDGET_MS, min_accuracy=0.85) as server:
        assert list(server.counters.by_member) == ["large"]


def test_its_members_are_those_of_one_target(tmp_path, monkeypatch):
    family = runnable.family(tmp_path, "onnxruntime", "litert")
    opened = []

    def spy(self, name, target):
        opened.append((name, target.runtime))
        return load(self, self.manifest.member(name), target)

    monkeypatch.setattr(Family, "open", spy)
    with family.serve(3.0) as server:  # the large one takes 4 ms in ONNX Runtime, 2 in LiteRT
        assert server.counters.member == "large"
    assert opened == [("large", "litert"), ("small", "litert")]


def test_what_was_measured_on_another_board_is_refused(tmp_path):
    data = runnable.manifest(tmp_path, {"onnxruntime": runnable.here(device="another board")})
    family = written(tmp_path, data)
    with pytest.raises(NotMeasuredHere):
        family.serve(BUDGET_MS)
    (target,) = family.manifest.targets
    with family.serve(BUDGET_MS, target=target) as server:
        assert server(IMAGE).argmax() == 1


def test_a_file_that_is_not_the_manifests_is_not_loaded(family):
    path = family.folder / "large.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError, match="large"):
        family.serve(BUDGET_MS)


def test_the_other_members_file_may_be_torn_all_the_same(family):
    (family.folder / "small.onnx").write_bytes(b"x")
    server = family.serve(BUDGET_MS)
    server(IMAGE)
    server.close()  # waits for the background
    (problem,) = server.counters.problems
    assert problem.startswith("small: ")
    assert "bytes instead of" in problem


def test_a_member_without_a_file_is_an_error_of_the_family(tmp_path):
    data = runnable.manifest(tmp_path, {"onnxruntime": runnable.here()})
    for one in data["members"]:
        one["artifacts"] = []
    with pytest.raises(FamilyError, match="no fp32 file for onnxruntime"):
        written(tmp_path, data).serve(BUDGET_MS)


def test_times_for_the_agent_name_the_file_and_the_architecture(family, tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    with family.serve(BUDGET_MS, inbox=inbox) as server:
        for _ in range(30):
            server(IMAGE)
    (path,) = inbox.iterdir()
    assert '"name":"large"' in path.read_text()
    assert sha256_of(family.folder / "large.onnx") in path.read_text()
    assert server.counters.reported == 3  # one of ten
    assert [t.path for t in Inbox(inbox, root=tmp_path / "no").look(0)] == [path]


def test_what_was_not_measured_or_was_rejected_is_no_rung():
    rejected = member("rejected", 0.95, 1.0, 1.5)
    rejected["artifacts"][0]["status"] = "rejected"
    members = [member("fast", 0.8, 1.0, 1.2), member("brief", 0.9, 2.0, None), rejected]
    manifest = Manifest.model_validate(
        {
            "dataset": "d", "classes": ["a"], "input_shape": [1, 8, 8], "mean": [0], "std": [1],
            "members": members,
        }
    )  # fmt: skip
    found = rungs(standing(manifest, Question(9.0), manifest.targets))
    assert [rung.name for rung in found] == ["fast"]
    assert found[0].median_ms == 1.0
    assert ladder(found, 1.4) == found
