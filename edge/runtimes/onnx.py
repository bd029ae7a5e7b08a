"""ONNX Runtime, for ``.onnx`` files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.runtimes.base import (
    Feeds,
    MissingRuntime,
    ModelRejected,
    Outputs,
    Session,
    first_installed,
    random_array,
)

_IDENTITY = (  # a whole ONNX model: y = x, one float
    b'\x08\x07\x12\x00:7\n\x10\n\x01x\x12\x01y"\x08Identity\x12\x01gZ\x0f\n\x01x\x12\n\n\x08\x08'
    b"\x01\x12\x04\n\x02\x08\x01b\x0f\n\x01y\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01B\x04\n\x00\x10\r"
)


class OnnxRuntime:
    """ONNX Runtime on the CPU, with exactly the threads it is told to use."""

    name = "onnxruntime"
    suffix = ".onnx"
    provider = "CPUExecutionProvider"
    install = "pip install 'edgefacet[onnx]'"

    def version(self) -> str:
        found = first_installed("onnxruntime", "onnxruntime-gpu")
        if found is None:
            raise MissingRuntime(f"onnxruntime is not installed: {self.install}")
        return found[1]  # one source, one count of versions

    def prepare(self) -> None:
        self.version()
        import onnxruntime as ort

        ort.InferenceSession(_IDENTITY, providers=[self.provider])
        np.random.default_rng()  # numpy imports its generators when the first one is asked for

    def load(self, path: Path, threads: int) -> Session:
        self.version()
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what goes wrong is raised; a log would only repeat it
        # A thread that spins while it waits takes a core from everything else on a board.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            return OnnxSession(ort.InferenceSession(path, options, providers=[self.provider]))
        except MemoryError:
            raise
        except Exception as error:  # its exceptions share no base of their own
            raise ModelRejected(f"onnxruntime refuses {path.name}: {error}") from error


class OnnxSession:
    """One model in ONNX Runtime."""

    run: Callable[[Feeds], Outputs]

    def __init__(self, session: Any) -> None:
        self._session = session
        self.run = partial(session.run, None)  # no frame of ours in the time that is measured

    @property
    def provider(self) -> str:
        return str(self._session.get_providers()[0])

    def feeds(self, seed: int) -> Feeds:
        rng = np.random.default_rng(seed)
        return {
            node.name: random_array(rng, node.shape, _numpy_type(node.type))
            for node in self._session.get_inputs()
        }


def _numpy_type(name: str) -> npt.DTypeLike:
    """numpy's name for a type that ONNX Runtime writes as ``tensor(float)``."""
    inner = name.removeprefix("tensor(").removesuffix(")")
    renamed = {"float": "float32", "double": "float64"}.get(inner, inner)
    try:
        return np.dtype(renamed)
    except TypeError:
        raise ModelRejected(f"an input of type {name} cannot be made up") from None
