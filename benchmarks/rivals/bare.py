"""A bare loop over the runtime: what a harness must agree with. One thread, on the last core."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

SETTLE_RUNS = 5  # another process ran before: the first runs find cold caches

Run = Callable[[], Any]


def load(runtime: str, path: str) -> Run:
    """One inference of a model with one input of floats, as the runtime's own examples make it."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    return {"onnxruntime": _onnxruntime, "litert": _litert}[runtime](path)


def serve(block: Callable[[float], float]) -> None:
    """Answer every line; see the docstring of the package."""
    for line in sys.stdin:
        print(block(float(line)), flush=True)


def time_block(run: Run, seconds: float) -> float:
    """The median of what `run` takes, in ns, over `seconds`."""
    for _ in range(SETTLE_RUNS):
        run()
    samples = []
    end = time.perf_counter_ns() + seconds * 1e9
    while (start := time.perf_counter_ns()) < end:
        run()
        samples.append(time.perf_counter_ns() - start)
    return statistics.median(samples)


def _onnxruntime(path: str) -> Run:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (node,) = session.get_inputs()
    return partial(session.run, None, {node.name: _image(node.shape)})


def _litert(path: str) -> Run:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path, num_threads=1)
    interpreter.allocate_tensors()
    (entry,), (out,) = interpreter.get_input_details(), interpreter.get_output_details()
    image, into, outof = _image(entry["shape"]), entry["index"], out["index"]

    def run() -> Any:
        interpreter.set_tensor(into, image)
        interpreter.invoke()
        return interpreter.get_tensor(outof)

    return run


def _image(shape: Any) -> Any:
    return np.random.default_rng(0).standard_normal(tuple(shape), dtype=np.float32)


if __name__ == "__main__":
    serve(partial(time_block, load(*sys.argv[1:3])))
