from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from benchmarks.latency.single_ops import operations

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")


def model(*weights: float):
    """relu(conv(x)) for every weight, then the mean over all positions, and a reshape."""
    helper, float32 = onnx.helper, onnx.TensorProto.FLOAT
    nodes, constants, last = [], [], "x"
    for n, weight in enumerate(weights):
        array = np.full((4, 4, 3, 3), weight, dtype=np.float32)
        constants.append(onnx.numpy_helper.from_array(array, f"w{n}"))
        nodes.append(helper.make_node("Conv", [last, f"w{n}"], [f"c{n}"], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"c{n}"], [f"r{n}"]))
        last = f"r{n}"
    axes = onnx.numpy_helper.from_array(np.array([1, 4]), "")
    nodes += [
        helper.make_node("GlobalAveragePool", [last], ["m"]),
        helper.make_node("Constant", [], ["shape"], value=axes),
        helper.make_node("Reshape", ["m", "shape"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", float32, [1, 4, 8, 8])],
        [helper.make_tensor_value_info("y", float32, [1, 4])],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def run(of, *inputs):
    session = ort.InferenceSession(of.SerializeToString())
    return session.run(None, {i.name: x for i, x in zip(session.get_inputs(), inputs, strict=True)})


def test_operations_in_a_row_give_what_the_model_gives():
    whole, x = model(0.1, 0.2), np.random.default_rng(0).normal(size=(1, 4, 8, 8)).astype("f4")
    (wanted,) = run(whole, x)
    for operation in operations(whole):
        onnx.checker.check_model(operation.model, full_check=True)
        (x,) = run(operation.model, x)
    np.testing.assert_allclose(x, wanted, rtol=1e-5)


def test_equal_operations_have_equal_keys_whatever_their_weights():
    found = Counter(operation.key for operation in operations(model(0.1, 0.2)))
    assert sorted(found.values()) == [1, 1, 2, 2]  # mean and reshape once, conv and relu twice


def test_a_constant_is_no_operation():
    kinds = [operation.model.graph.node[0].op_type for operation in operations(model(0.1))]
    assert kinds == ["Conv", "Relu", "GlobalAveragePool", "Reshape"]
