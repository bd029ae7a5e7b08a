"""Records `series.npz` beside it: ``python tests/edge/data/record_series.py``.

Two models of ONNX Runtime, 100 blocks of runs each (block, run), in ns, over a minute. The file was
recorded on a virtual machine whose two cores were busy with other work: a run in a hundred of the
longer model was preempted, and then took a hundred times as long.
"""

import time
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FILE = Path(__file__).with_name("series.npz")
BLOCKS, PAUSE_S = 100, 0.15


def network(width: int) -> bytes:
    """Four dense layers on eight vectors."""
    rng = np.random.default_rng(0)
    weights, nodes, last = [], [], "x"
    for i in range(4):
        matrix = rng.normal(size=(width, width)).astype(np.float32)
        weights.append(numpy_helper.from_array(matrix, f"w{i}"))
        nodes.append(helper.make_node("MatMul", [last, f"w{i}"], [f"h{i}"]))
        nodes.append(helper.make_node("Relu", [f"h{i}"], [f"r{i}"]))
        last = f"r{i}"
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [8, width])] for name in ("x", last)
    ]
    graph = helper.make_graph(nodes, "dense", *ends, weights)
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString()


def record(width: int, runs: int) -> np.ndarray:
    """(BLOCKS, runs) of ns, to ten."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(network(width), options)
    feed = {"x": np.ones((8, width), np.float32)}
    series = np.zeros((BLOCKS, runs), np.uint32)
    for block in series:
        for _ in range(50):
            session.run(None, feed)
        for i in range(runs):
            began = time.monotonic_ns()
            session.run(None, feed)
            block[i] = (time.monotonic_ns() - began) // 10 * 10
        time.sleep(PAUSE_S)
    return series


if __name__ == "__main__":
    np.savez_compressed(FILE, short=record(64, 400), long=record(384, 150))
