from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import EdgeError
from edge.family import Family
from edge.model_files import NoModel
from edge.ordering import SeveralOrders, of_family, of_files, of_order
from edge.orders import How, OrderError
from edge.runtimes import OtherFiles
from tests.edge.bundles import models_in, order, sha256
from tests.edge.families import family

MODELS = {"one.onnx": b"first", "two.onnx": b"second"}


@pytest.fixture
def made(tmp_path: Path) -> Family:
    """Two members, each as ONNX in fp32 and int8 and as TFLite in fp32."""
    return family(tmp_path, ("onnx", "fp32"), ("onnx", "int8"), ("tflite", "fp32"))


def test_the_members_of_a_family_are_ordered_with_their_architectures(made: Family) -> None:
    ordered = of_family(made, "onnxruntime", "int8", threads=4, how=How(blocks=5))
    found = ordered.order
    assert (found.purpose, found.runtime, found.precision) == ("measure", "onnxruntime", "int8")
    assert (found.threads, found.how.blocks) == (4, 5)
    subject = found.models[1].subject
    assert [model.subject.name for model in found.models] == ["small", "large"]
    assert (subject.kind, subject.role, subject.architecture) == ("network", "member", {"any": 1})
    path = ordered.files[subject.sha256]
    assert (path.name, path.read_bytes()) == ("large-int8.onnx", b"large-int8.onnx")
    assert found.models[1].size_bytes == len("large-int8.onnx")


def test_what_must_run_them_is_only_asked_for_where_there_is_a_choice(made: Family) -> None:
    with pytest.raises(SeveralOrders, match="litert fp32, onnxruntime fp32, onnxruntime int8"):
        of_family(made)
    with pytest.raises(SeveralOrders) as caught:
        of_family(made, precision="fp32")
    assert caught.value.offers == [("litert", "fp32"), ("onnxruntime", "fp32")]
    assert of_family(made, "litert").order.runtime == "litert"
    assert of_family(made, precision="int8").order.runtime == "onnxruntime"
    with pytest.raises(NoModel, match="no files for litert int8"):
        of_family(made, "litert", "int8")


def test_any_files_are_ordered(tmp_path: Path) -> None:
    files = models_in(tmp_path, MODELS)
    ordered = of_files(list(files.values()))
    assert ordered.files == files
    assert (ordered.order.runtime, ordered.order.precision) == ("onnxruntime", "unknown")
    assert of_files(list(files.values()), precision="int8").order.precision == "int8"


def test_files_of_two_runtimes_are_two_orders(tmp_path: Path) -> None:
    files = models_in(tmp_path, {"a.onnx": b"a", "b.tflite": b"b"})
    with pytest.raises(SeveralOrders, match="a bundle for each"):
        of_files(list(files.values()))


def test_a_clone_that_lacks_the_files_is_told_how_to_make_them(made: Family) -> None:
    for path in made.folder.glob("*.onnx"):
        path.unlink()
    assert of_family(made, "litert").order.runtime == "litert"
    with pytest.raises(NoModel, match=r"none of the model files is in .* `dvc repro` makes it"):
        of_family(made, "onnxruntime", "fp32")


def in_two_files(path: Path) -> Path:
    onnx = pytest.importorskip("onnx")
    weight = onnx.TensorProto(name="w", data_type=onnx.TensorProto.FLOAT, dims=[1])
    weight.external_data.add(key="location", value=f"{path.name}.data")
    onnx.save(onnx.ModelProto(graph=onnx.GraphProto(initializer=[weight])), path)
    return path


def test_a_model_in_two_files_is_refused_before_a_board_refuses_it(tmp_path: Path) -> None:
    with pytest.raises(OtherFiles, match=r"model\.onnx keeps data in other files.*as one file"):
        of_files([in_two_files(tmp_path / "model.onnx")])


def test_a_member_in_two_files_is_refused_as_well(made: Family) -> None:
    in_two_files(made.folder / "large-fp32.onnx")
    assert of_family(made, "onnxruntime", "int8")
    with pytest.raises(OtherFiles, match=r"large-fp32\.onnx keeps data in other files"):
        of_family(made, "onnxruntime", "fp32")


def test_models_of_one_name_are_two_of_an_order(tmp_path: Path) -> None:
    files = {**models_in(tmp_path / "a", {"m.onnx": b"1"})}
    files |= models_in(tmp_path / "b", {"m.onnx": b"2"})
    names = [model.subject.name for model in of_files(list(files.values())).order.models]
    assert names == ["a/m.onnx", "b/m.onnx"]


@pytest.mark.parametrize(("name", "precision"), [("empty.onnx", None), ("one.onnx", "int 8")])
def test_what_no_order_may_hold_is_named(tmp_path: Path, name: str, precision: str | None) -> None:
    files = models_in(tmp_path, {"empty.onnx": b"", "one.onnx": b"1"})
    path = next(path for path in files.values() if path.name == name)
    with pytest.raises(OrderError, match=r"no order can be made of this: (models\.0|precision)"):
        of_files([path], precision=precision)


def test_the_models_of_an_order_are_found_by_their_content(tmp_path: Path) -> None:
    files = models_in(tmp_path / "below" / "deep", MODELS)
    models_in(tmp_path, {"other.onnx": b"other", "one.txt": b"first"})
    path = tmp_path / "order.json"
    path.write_text(order(MODELS).to_json())
    assert of_order(path, []).files == files
    assert of_order(path, [tmp_path / "below"]).order == order(MODELS)
    assert of_order(path, list(files.values())).files == files


def test_a_model_that_is_nowhere_is_named(tmp_path: Path) -> None:
    models_in(tmp_path, {"one.onnx": b"first"})
    path = tmp_path / "order.json"
    path.write_text(order(MODELS).to_json())
    with pytest.raises(OrderError, match=f"'two.onnx', sha256 {sha256(b'second')[:12]}…"):
        of_order(path, [])


def test_what_is_no_order_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "order.json"
    path.write_text("{}")
    with pytest.raises(EdgeError, match=r"order\.json: not an order: purpose"):
        of_order(path, [])
