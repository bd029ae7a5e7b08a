import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from pipeline.onnx_compact import compact

IMAGE = np.array([[0.5, -2.0, 1.0]], np.float32)


@pytest.fixture
def model():
    """image × ones + ones as another constant, + twos, where a value inside is called 0 and the
    output is called 1."""
    constants = [("ones", 1), ("layer.twos", 2), ("layer.other_ones", 1)]
    nodes = [
        helper.make_node("Mul", ["image", "ones"], ["0"], name="layer.mul"),
        helper.make_node("Add", ["0", "layer.other_ones"], ["layer.sum"], name="layer.add"),
        helper.make_node("Clip", ["layer.sum", "", "layer.most"], ["layer.clip"]),
        helper.make_node("Add", ["layer.clip", "layer.twos"], ["1"]),
    ]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3])],
        [helper.make_tensor_value_info("1", TensorProto.FLOAT, [1, 3])],
        [
            *(numpy_helper.from_array(np.full(3, v, np.float32), name) for name, v in constants),
            numpy_helper.from_array(np.array(1, np.float32), "layer.most"),
            numpy_helper.from_array(np.ones((3, 1), np.float32), "another shape"),
            numpy_helper.from_array(np.ones(3, np.int32), "another type"),
        ],
        value_info=[helper.make_tensor_value_info("layer.sum", TensorProto.FLOAT, [1, 3])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def run(model):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(["1"], {"image": IMAGE})[0]


def test_it_computes_the_same(model):
    expected = np.minimum(IMAGE + 1, 1) + 2
    np.testing.assert_array_equal(run(model), expected)
    compact(model)
    onnx.checker.check_model(model, full_check=True)
    np.testing.assert_array_equal(run(model), expected)


def test_constants_that_are_equal_in_type_shape_and_values_are_kept_once(model):
    compact(model)
    kept = [numpy_helper.to_array(one) for one in model.graph.initializer]
    assert [(one.shape, one.dtype, one.ravel()[0]) for one in kept] == [
        ((3,), np.float32, 1),
        ((3,), np.float32, 2),
        ((), np.float32, 1),
        ((3, 1), np.float32, 1),
        ((3,), np.int32, 1),
    ]


def test_only_the_borders_keep_their_names_and_no_number_is_one_of_these(model):
    compact(model)
    graph = model.graph
    assert [node.name for node in graph.node] == [""] * 4
    assert not graph.value_info
    assert [list(node.input) for node in graph.node] == [
        ["image", "0"],
        ["6", "0"],
        ["7", "", "3"],
        ["8", "2"],
    ]
    assert [list(node.output) for node in graph.node] == [["6"], ["7"], ["8"], ["1"]]


def test_what_a_caller_may_set_or_reads_is_no_other_constant(model):
    """A default of an input, and an output that is a constant, equal a constant inside."""
    graph = model.graph
    for name, values in (("default", graph.input), ("constant", graph.output)):
        graph.initializer.append(numpy_helper.from_array(np.full(3, 1, np.float32), name))
        values.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]))
    compact(model)
    assert {"default", "constant"} < {one.name for one in graph.initializer}
    assert [one.name for one in graph.output] == ["1", "constant"]
    onnx.checker.check_model(model, full_check=True)
