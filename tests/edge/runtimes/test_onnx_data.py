"""Models of the onnx package, each with a tensor whose numbers lie in another file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.runtimes.base import ModelRejected
from edge.runtimes.onnx_data import refuse_other_files

onnx = pytest.importorskip("onnx")
helper = onnx.helper
FLOAT = onnx.TensorProto.FLOAT

Wrap = Callable[[Any], Any]  # a tensor into a model


def tensor(outside: bool) -> Any:
    made = onnx.numpy_helper.from_array(np.zeros(4, np.float32), "w")
    if outside:
        made.ClearField("raw_data")
        made.data_location = onnx.TensorProto.EXTERNAL
        made.external_data.add(key="location", value="../secret")
    return made


def graph(*nodes: Any, initializer: Any = (), sparse: Any = ()) -> Any:
    value = [helper.make_tensor_value_info(name, FLOAT, [4]) for name in "xy"]
    return helper.make_graph(
        nodes, "g", value[:1], value[1:], initializer, sparse_initializer=sparse
    )


def model(of: Any, **more: Any) -> Any:
    return helper.make_model(of, opset_imports=[helper.make_opsetid("", 20)], **more)


def constant(of: Any) -> Any:
    return helper.make_node("Constant", [], ["w"], value=of)


def branch(inner: Any) -> Any:
    return helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=graph())


def of_sparse(of: Any) -> Any:
    return onnx.SparseTensorProto(values=of, indices=tensor(False), dims=[4])


def with_indices(of: Any) -> Any:
    return onnx.SparseTensorProto(values=tensor(False), indices=of, dims=[4])


def function(of: Any) -> Any:
    opsets = [helper.make_opsetid("", 20)]
    made = helper.make_function("own", "F", ["x"], ["y"], [constant(of)], opsets)
    return model(graph(), functions=[made])


def default_of_function(of: Any) -> Any:
    attribute = helper.make_attribute("a", of)
    opsets = [helper.make_opsetid("", 20)]
    made = helper.make_function("own", "F", ["x"], ["y"], [], opsets, attribute_protos=[attribute])
    return model(graph(), functions=[made])


def training(of: Any) -> Any:
    made = model(graph())
    made.training_info.add().algorithm.CopyFrom(graph(initializer=[of]))
    return made


def listed(of: Any) -> Any:
    return model(graph(helper.make_node("F", ["x"], ["y"], domain="own", all=[tensor(False), of])))


def graphs_listed(of: Any) -> Any:
    graphs = [graph(), graph(constant(of))]
    return model(graph(helper.make_node("F", ["x"], ["y"], domain="own", all=graphs)))


WRAPS: dict[str, Wrap] = {
    "initializer": lambda of: model(graph(initializer=[tensor(False), of])),
    "constant": lambda of: model(graph(constant(of))),
    "sparse initializer": lambda of: model(graph(sparse=[of_sparse(of)])),
    "indices": lambda of: model(graph(sparse=[with_indices(of)])),
    "sparse constant": lambda of: model(
        graph(helper.make_node("Constant", [], ["w"], sparse_value=of_sparse(of)))
    ),
    "subgraph": lambda of: model(graph(branch(graph(initializer=[of])))),
    "subgraph of a subgraph": lambda of: model(graph(branch(graph(branch(graph(constant(of))))))),
    "function": function,
    "default of a function": default_of_function,
    "training": training,
    "list of tensors": listed,
    "list of graphs": graphs_listed,
}


def written(folder: Path, content: bytes) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
def test_data_elsewhere_is_found_wherever_a_tensor_is(tmp_path: Path, wrap: Wrap) -> None:
    refuse_other_files(written(tmp_path, wrap(tensor(False)).SerializeToString()))
    with pytest.raises(ModelRejected, match=r"keeps data in other files.*save it as one file"):
        refuse_other_files(written(tmp_path, wrap(tensor(True)).SerializeToString()))


@pytest.mark.parametrize("left", ["external_data", "data_location"])
def test_one_of_the_two_fields_is_enough(tmp_path: Path, left: str) -> None:
    half = tensor(True)
    half.ClearField("data_location" if left == "external_data" else "external_data")
    with pytest.raises(ModelRejected, match="keeps data in other files"):
        refuse_other_files(written(tmp_path, WRAPS["initializer"](half).SerializeToString()))


def test_what_a_later_field_adds_to_an_earlier_one_is_seen(tmp_path: Path) -> None:
    """Protobuf merges a message that comes twice."""
    whole = (
        model(graph()).SerializeToString()
        + model(graph(constant(tensor(True)))).SerializeToString()
    )
    with pytest.raises(ModelRejected, match="keeps data in other files"):
        refuse_other_files(written(tmp_path, whole))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"this is no protobuf", "is no ONNX model"),
        (b"\x3a\x05\x0a", "cut short"),  # a graph of five bytes, of which there is one
        (b"\x3a", "cut short"),
        (b"\x08" + b"\xff" * 11, "more than ten bytes"),
        (b"\x0b", "of the type 3"),  # a group, which protobuf would skip
        (b"\x02\x00", "the number 0"),
        (b"\x0d\x00", "cut short"),  # four bytes, of which there is one
    ],
)
def test_what_is_no_protobuf_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(ModelRejected, match=why):
        refuse_other_files(written(tmp_path, content))


def test_a_model_cut_anywhere_is_no_error_of_ours(tmp_path: Path) -> None:
    whole = WRAPS["subgraph"](tensor(True)).SerializeToString()
    for size in range(len(whole)):
        try:
            refuse_other_files(written(tmp_path, whole[:size]))
        except ModelRejected:
            continue


def test_nesting_has_an_end(tmp_path: Path) -> None:
    def varint(value: int) -> bytes:
        more = b""
        while value > 0x7F:
            more, value = more + bytes([value & 0x7F | 0x80]), value >> 7
        return more + bytes([value])

    def field(number: int, content: bytes) -> bytes:
        return varint(number << 3 | 2) + varint(len(content)) + content

    content = b""
    for _ in range(5000):
        content = field(1, field(5, field(6, content)))  # graph → node → attribute → graph
    with pytest.raises(ModelRejected, match="nests more than 100 deep"):
        refuse_other_files(written(tmp_path, field(7, content)))
