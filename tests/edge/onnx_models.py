"""A small ONNX model, for what has no torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write(path: Path) -> Path:
    """y = relu(conv3x3(x)), x of shape (batch, 4, 8, 8); the graph is called as the file."""
    import onnx

    helper, float32 = onnx.helper, onnx.TensorProto.FLOAT
    weight = np.full((4, 4, 3, 3), 0.1, dtype=np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["c"], ["y"]),
        ],
        path.stem,
        [helper.make_tensor_value_info("x", float32, ["batch", 4, 8, 8])],
        [helper.make_tensor_value_info("y", float32, ["batch", 4, 8, 8])],
        [onnx.numpy_helper.from_array(weight, "w")],
    )
    opset = [helper.make_opsetid("", 20)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
    return path


def classifier(path: Path) -> Path:
    """Logits of 4 classes: the pixels of x, of shape (1, 1, 2, 2), row by row, tenfold."""
    import onnx

    helper, float32 = onnx.helper, onnx.TensorProto.FLOAT
    weight = 10 * np.eye(4, dtype=np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["x"], ["flat"]),
            helper.make_node("MatMul", ["flat", "w"], ["logits"]),
        ],
        path.stem,
        [helper.make_tensor_value_info("x", float32, [1, 1, 2, 2])],
        [helper.make_tensor_value_info("logits", float32, [1, 4])],
        [onnx.numpy_helper.from_array(weight, "w")],
    )
    opset = [helper.make_opsetid("", 20)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
    return path
