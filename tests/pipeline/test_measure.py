import json
import shutil
from pathlib import Path

import onnx
import pytest

from edge import record
from edge.bench import Failure
from edge.files import sha256_of
from edge.locks import Locked
from edge.table import Table
from edge.target import make_target
from pipeline import measure, metrics, targets
from pipeline.data_shape import DataShape
from pipeline.measure import ProfileError
from pipeline.params import Params
from pipeline.store import STORE, locked
from pipeline.untrained import converted
from pipeline.untrained import onnx as onnx_files
from pipeline.untrained import tflite as tflite_files
from tests.pipeline.remote.made_up import BOARD, MadeUpHub, boards, fails

SPACE = {"stem_width": 4, "widths": [4], "depths": [2], "operations": ["skip", "conv_k3"]}
PROFILE = {"anchors": 1, "heldout": 1, "blocks": 3, "block_s": 0.001, "warmup_s": 0, "workers": 1}
PARAMS = Params.model_validate({"space": SPACE, "profile": PROFILE})
NAMES = ["conv_k3:4x4x4-4:s1:relu x1", "conv_k3:4x4x4-4:s1:relu x3"]
NAMES += ["base", "anchor-01", "heldout-01"]


def checked(root, target, device="local"):
    """The parameters that ask for `target`, which is written as `check` does it."""
    fields = {"runtime", "precision", "threads"}
    asked = {"device": device, **target.model_dump(include=fields)}
    params = Params.model_validate({"targets": [asked], "space": SPACE, "profile": PROFILE})
    targets.write([target], params, root)
    return params


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder after `check` and `data`; every exported block is an Identity."""
    checked(tmp_path, make_target("onnxruntime", 1, "fp32"))
    DataShape((1, 8, 8), classes=2).write(tmp_path)
    monkeypatch.setattr(onnx_files, "export_onnx", export_identity)
    return tmp_path


def export_identity(_module, _shape, path, *, opset, inputs):
    helper = onnx.helper
    values = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, "n"])
        for name in ("image", "logits")
    ]
    node = helper.make_node("Identity", ["image"], ["logits"], "same")
    graph = helper.make_graph([node], "identity", values[:1], values[1:])
    imports = [helper.make_opsetid("", opset)]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=10), path)


def test_the_records_and_the_table_they_make_are_written(root):
    measure.run(PARAMS, root)
    records = record.read(root / "results/profile/records.jsonl")
    assert [m.subject.name for m in records] == NAMES
    assert all(len(m.samples_ns) == 3 for m in records)
    table = Table.read(root / "results/profile")
    assert list(table.rows) == ["conv_k3:4x4x4-4:s1:relu"]
    assert table.target == make_target("onnxruntime", 1, "fp32")


def test_the_metrics_are_flat_numbers(root):
    measure.run(PARAMS, root)
    numbers = metrics.read("profile", root)
    assert (numbers["blocks"], numbers["networks"]) == (1, 3)
    shares = [value for name, value in numbers.items() if name.startswith("share_")]
    assert sum(shares) == pytest.approx(1)
    assert {"offset_ms", "export_s", "timing_s"} < numbers.keys()
    assert {type(value) for value in numbers.values()} <= {int, float}


def test_a_second_run_exports_nothing(root, monkeypatch, capsys):
    measure.run(PARAMS, root)
    assert "export: 4/4" in capsys.readouterr().err  # stem, block, head, entry of a chain
    monkeypatch.setattr(onnx_files, "export_onnx", lambda *_, **__: pytest.fail("exported"))
    measure.run(PARAMS, root)
    assert "export" not in capsys.readouterr().err


def test_a_killed_session_goes_on(root, monkeypatch):
    def killed(done, _total):
        if done == 4:
            raise KeyboardInterrupt

    begin = measure.bench.measure
    with monkeypatch.context() as patch:
        patch.setattr(
            measure.bench, "measure", lambda *a, **kw: begin(*a, **{**kw, "progress": killed})
        )
        with pytest.raises(KeyboardInterrupt):
            measure.run(PARAMS, root)
    journal = root / STORE / "profile/session.journal"
    assert len(journal.read_text().splitlines()) == 1 + 4
    kept = json.loads(journal.read_text().splitlines()[1])
    measure.run(PARAMS, root)
    blocks = {m.subject.model_dump_json(): m for m in record.read(root / measure.RECORDS_FILE)}
    assert blocks[kept[0]].samples_ns[0] == tuple(kept[1]["samples_ns"])
    assert not journal.exists()


def test_models_that_fail_are_listed_and_nothing_is_written(root, monkeypatch):
    def fail(jobs, *_, **__):
        return [Failure(job.subject, "oom", "out of memory") for job in jobs]

    monkeypatch.setattr(measure.bench, "measure", fail)
    with pytest.raises(ProfileError, match="5 of 5 models failed") as caught:
        measure.run(PARAMS, root)
    assert "\n  heldout-01: oom: out of memory\n" in str(caught.value)
    assert not (root / "results/profile").exists()


def test_doubts_are_told(root, monkeypatch, capsys):
    begin = measure.bench.measure

    def disturbed(*args, **kwargs):
        doubt = {"verdict": "suspect", "reasons": ("others used 61.0% of the CPU",)}
        return [m.model_copy(update=doubt) for m in begin(*args, **kwargs)]

    monkeypatch.setattr(measure.bench, "measure", disturbed)
    measure.run(PARAMS, root)
    said = capsys.readouterr().err
    assert "warning: 5 of 5 records are in doubt\n  others used 61.0% of the CPU" in said
    assert Table.read(root / "results/profile").rows["conv_k3:4x4x4-4:s1:relu"].verdict == "suspect"


def test_the_first_target_decides_the_format(root, monkeypatch):
    params = checked(root, make_target("litert", 1, "fp32"))
    small = Path(__file__).parents[1] / "edge/data/conv.tflite"
    monkeypatch.setattr(
        tflite_files, "export_tflite", lambda _module, _shape, path: shutil.copyfile(small, path)
    )
    measure.run(params, root)
    records = record.read(root / "results/profile/records.jsonl")
    assert [m.subject.name for m in records] == NAMES
    assert {m.subject.sha256 for m in records} == {sha256_of(small)}
    assert Table.read(root / "results/profile").target.runtime == "litert"


def test_int8_blocks_make_the_table_of_an_int8_target(root, monkeypatch):
    made = []

    def convert(kind, precision, source, path, shape):
        made.append((kind.name, precision, shape))
        shutil.copyfile(source, path)

    monkeypatch.setattr(converted, "convert", convert)
    params = checked(root, make_target("onnxruntime", 1, "int8"))
    measure.run(params, root)
    assert Table.read(root / "results/profile").target.precision == "int8"
    # Two chains, which begin with their entry's single channel, and three networks.
    assert sorted(made) == [("onnx", "int8", (1, 4, 4))] * 2 + [("onnx", "int8", (1, 8, 8))] * 3
    measure.run(params, root)
    assert len(made) == 5


def test_two_profiles_at_once_are_refused(root):
    with locked("profile", root / STORE), pytest.raises(Locked, match="already at work"):
        measure.run(PARAMS, root)


def test_a_board_elsewhere_measures_what_fails_there_ends_the_stage(root):
    hub = MadeUpHub(lambda order: fails(order))
    params = checked(root, BOARD, device="pi")
    with pytest.raises(ProfileError, match="1 of 5 models failed:\n  heldout-01: crash: it died"):
        measure.run(params, root, boards(hub, root))
    (order,) = hub.orders.values()
    assert [model.subject.name for model in order.models] == NAMES
    assert (order.purpose, order.how.blocks, order.how.max_runs) == ("profile", 3, None)


def test_the_records_of_a_board_make_the_table(root):
    hub = MadeUpHub()
    params = checked(root, BOARD, device="pi")
    measure.run(params, root, boards(hub, root))
    assert Table.read(root / "results/profile").target == BOARD
    assert hub.uploads == len(hub.models) == 3  # all whole networks of this test are one file
