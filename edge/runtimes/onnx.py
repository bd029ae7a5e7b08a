"""ONNX Runtime, for ``.onnx`` files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edge.runtimes import onnx_data
from edge.runtimes.base import (
    Feeds,
    MissingProvider,
    MissingRuntime,
    ModelRejected,
    Outputs,
    Session,
    Tensor,
    first_installed,
    random_feeds,
    static_shape,
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

    def refuse_other_files(self, path: Path) -> None:
        onnx_data.refuse_other_files(path)

    def load(self, path: Path, threads: int, provider: str | None = None) -> Session:
        self.version()
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what goes wrong is raised; a log would only repeat it
        # A thread that spins while it waits takes a core from everything else on a board.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = _providers(provider or self.provider, ort.get_available_providers())
        try:
            session = OnnxSession(ort.InferenceSession(path, options, providers=providers))
        except MemoryError:
            raise
        except Exception as error:  # its exceptions share no base of their own
            raise ModelRejected(f"onnxruntime refuses {path.name}: {error}") from error
        if session.provider != providers[0]:  # it goes on with the next one, and says nothing
            raise MissingProvider(
                f"onnxruntime cannot start {providers[0]} here: are its libraries installed?"
            )
        return session


class OnnxSession:
    """One model in ONNX Runtime."""

    thread_safe = True
    run: Callable[[Feeds], Outputs]

    def __init__(self, session: Any) -> None:
        self._session = session
        self.run = partial(session.run, None)  # no frame of ours in the time that is measured

    @property
    def provider(self) -> str:
        return str(self._session.get_providers()[0])

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        return tuple(map(_tensor, self._session.get_inputs()))

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        return tuple(map(_tensor, self._session.get_outputs()))

    def feeds(self, seed: int) -> Feeds:
        return random_feeds(self.inputs, seed)


def _providers(wanted: str, available: Sequence[str]) -> list[str]:
    """`wanted`, and after it what runs the operations that it does not have, in the order that
    ONNX Runtime prefers. Raises MissingProvider."""
    if wanted not in available:
        raise MissingProvider(
            f"onnxruntime is installed without {wanted}: it has {', '.join(available)}; the GPUs "
            "of NVIDIA need the package onnxruntime-gpu in its place"
        )
    return list(available[available.index(wanted) :])


def _tensor(node: Any) -> Tensor:
    return Tensor(node.name, tuple(static_shape(node.shape)), _numpy_type(node.type))


def _numpy_type(name: str) -> np.dtype[Any]:
    """numpy's name for a type that ONNX Runtime writes as ``tensor(float)``."""
    inner = name.removeprefix("tensor(").removesuffix(")")
    renamed = {"float": "float32", "double": "float64"}.get(inner, inner)
    try:
        return np.dtype(renamed)
    except TypeError:
        raise ModelRejected(f"an input of type {name} cannot be made up") from None
