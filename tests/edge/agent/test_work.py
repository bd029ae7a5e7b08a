"""With real workers: the fake runtime of fake_worker.py, and ONNX Runtime for a hostile model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge import carry_out
from edge.agent import work as work_module
from edge.agent.settings import Settings, Stopped
from edge.agent.state import State
from edge.agent.work import Work
from edge.bench import Failure
from edge.files import sha256_of
from edge.orders import Order
from edge.record import Target
from tests.edge.agent.boards import Hub, Time, client, order, sha256

WORKER = (sys.executable, str(Path(__file__).parents[1] / "fake_worker.py"))
HOW = {"warmup_s": 0, "blocks": 3, "block_s": 0, "block_runs": 50, "timeout_s": 4}


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with State(tmp_path / "state") as opened:
        yield opened


@pytest.fixture
def _fake_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target(
        device="d",
        runtime="fake",
        runtime_version="1",
        provider="fake",
        precision="fp32",
        threads=1,
    )
    monkeypatch.setattr(carry_out, "make_target", lambda *_: target)


def fetched(work: Work, made: Order, *models: bytes) -> dict[str, Path]:
    with client(Hub(files={sha256(m): m for m in models})) as hub:
        files, failures = work.prepare(hub, made)
    assert failures == []
    return files


@pytest.mark.usefixtures("_fake_runtime")
def test_models_run_in_a_process_apart_and_each_gets_its_due(tmp_path: Path, state: State) -> None:
    models = (b"fine", b"kill", b"broken", b"hungry")
    made = order(*models, how=HOW)
    work = Work(state, Settings(root=tmp_path, worker=WORKER), Time())
    found = work.measure(made, fetched(work, made, *models), None)
    assert [item.kind for item in found] == ["record", "failure", "failure", "failure"]
    assert [item.failure().kind for item in found[1:]] == ["crash", "rejected", "oom"]
    assert {item.order for item in found} == {made.id}


@pytest.mark.usefixtures("_fake_runtime")
def test_a_board_with_too_little_memory_to_start_says_that(tmp_path: Path, state: State) -> None:
    made = order(b"fine", how=HOW)
    full = (sys.executable, "-c", "raise MemoryError")
    work = Work(state, Settings(root=tmp_path, worker=full), Time())
    (item,) = work.measure(made, fetched(work, made, b"fine"), None)
    assert item.failure().kind == "oom"


@pytest.mark.usefixtures("_fake_runtime")
def test_what_was_stopped_goes_on_where_it_was(tmp_path: Path, state: State) -> None:
    made = order(b"fine", how=HOW)
    pauses: list[int] = []

    class Stopping(Time):
        def is_set(self) -> bool:
            return len(pauses) == 4  # loading: two steps; then before each of the blocks

    work = Work(
        state,
        Settings(root=tmp_path, worker=WORKER),
        Stopping(),
        between=lambda: pauses.append(1),
    )
    files = fetched(work, made, b"fine")
    with pytest.raises(Stopped):
        work.measure(made, files, None)
    kept = work._finished(made)
    assert kept >= 2  # a header and a block
    again = Work(state, Settings(root=tmp_path, worker=WORKER), Time())
    (item,) = again.measure(made, files, None)
    assert len(item.record().samples_ns) == 3
    again.finish(made)
    assert list(state.journals.iterdir()) == []


@pytest.mark.usefixtures("_fake_runtime")
def test_a_failure_is_sent_without_what_is_no_character(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = order(b"fine", how=HOW)
    failure = Failure(made.models[0].subject, "crash", "x\udcff\0" + "y" * 3000)
    monkeypatch.setattr(work_module, "carry_out", lambda *_, **__: [failure])
    work = Work(state, Settings(), Time())
    (item,) = work.measure(made, {sha256(b"fine"): state.models / "fine"}, None)
    assert item.failure().detail == "x??" + "y" * 1997


def hostile_onnx(path: Path, weights: str) -> bytes:
    """A model whose weights are said to lie at `weights`."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    helper, float32 = onnx.helper, onnx.TensorProto.FLOAT
    weight = onnx.numpy_helper.from_array(np.zeros((1, 4), dtype=np.float32), "w")
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=weights)
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])],
        "hostile",
        [helper.make_tensor_value_info("x", float32, [1, 4])],
        [helper.make_tensor_value_info("y", float32, [1, 4])],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    path.write_bytes(model.SerializeToString())
    return path.read_bytes()


@pytest.mark.parametrize("place", ["../secret", "weights", "absolute"])
def test_a_model_reads_no_file_but_its_own(tmp_path: Path, state: State, place: str) -> None:
    state.models.mkdir()
    for secret in (state.models / "secret", state.models / "weights"):
        secret.write_bytes(bytes(16))
    location = str(state.models / "secret") if place == "absolute" else place
    content = hostile_onnx(tmp_path / "hostile.onnx", location)
    subject = {"kind": "file", "name": "hostile", "sha256": sha256_of(tmp_path / "hostile.onnx")}
    fields: dict[str, Any] = {"purpose": "verify", "runtime": "onnxruntime", "precision": "fp32"}
    models = [{"subject": subject, "size_bytes": len(content)}]
    made = Order.model_validate({**fields, "how": HOW, "models": models})
    work = Work(state, Settings(), Time())
    (item,) = work.measure(made, fetched(work, made, content), None)
    assert item.failure().kind == "rejected"
    assert "keeps data in other files" in item.failure().detail
