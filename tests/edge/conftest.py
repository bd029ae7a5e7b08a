"""What several test files of `edge` need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def onnx_model(tmp_path: Path) -> Callable[[str], Path]:
    """Writes ``<name>.onnx``: y = relu(conv3x3(x)), x of shape (batch, 4, 8, 8)."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")

    def write(name: str) -> Path:
        helper, float32 = onnx.helper, onnx.TensorProto.FLOAT
        weight = np.full((4, 4, 3, 3), 0.1, dtype=np.float32)
        graph = helper.make_graph(
            [
                helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
                helper.make_node("Relu", ["c"], ["y"]),
            ],
            name,
            [helper.make_tensor_value_info("x", float32, ["batch", 4, 8, 8])],
            [helper.make_tensor_value_info("y", float32, ["batch", 4, 8, 8])],
            [onnx.numpy_helper.from_array(weight, "w")],
        )
        opset = [helper.make_opsetid("", 20)]
        path = tmp_path / f"{name}.onnx"
        onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
        return path

    return write
