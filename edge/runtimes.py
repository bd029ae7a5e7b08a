"""Runtimes behind one protocol: load a model, feed it what it asks for, run it.

A runtime's package is imported when a model is loaded, never before.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from edge.errors import EdgeError

Feeds = Mapping[str, npt.NDArray[Any]]
Outputs = Sequence[npt.NDArray[Any]]


class UnknownRuntime(EdgeError, KeyError):
    """No runtime of that name."""


class MissingRuntime(EdgeError, ImportError):
    """The runtime's package is not installed."""


class ModelRejected(EdgeError, ValueError):
    """The runtime refuses the model."""


class Session(Protocol):
    """A model that is loaded and ready to run."""

    @property
    def provider(self) -> str:
        """The execution provider or delegate that is actually used."""

    def feeds(self, seed: int) -> Feeds:
        """Random inputs of the shapes and types in the model's signature."""

    def run(self, feeds: Feeds) -> Outputs:
        """One inference."""


class Runtime(Protocol):
    """A way to run model files."""

    @property
    def name(self) -> str: ...

    @property
    def provider(self) -> str:
        """The execution provider that is asked for."""

    def version(self) -> str:
        """The installed version, without importing it. Raises MissingRuntime."""

    def prepare(self) -> None:
        """Import the package and let it set up what it sets up once.

        Otherwise the first model would seem to need that memory.
        """

    def load(self, path: Path, threads: int) -> Session:
        """Raises MissingRuntime, or ModelRejected where the file is no model for this runtime."""


_IDENTITY = (  # a whole ONNX model: y = x, one float
    b'\x08\x07\x12\x00:7\n\x10\n\x01x\x12\x01y"\x08Identity\x12\x01gZ\x0f\n\x01x\x12\n\n\x08\x08'
    b"\x01\x12\x04\n\x02\x08\x01b\x0f\n\x01y\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01B\x04\n\x00\x10\r"
)

_RUNTIMES: dict[str, Runtime] = {}
_R = TypeVar("_R", bound=Callable[[], Runtime])


def register(factory: _R) -> _R:
    """Class decorator: make a runtime known by its name. Raises ValueError for a duplicate."""
    runtime = factory()
    if runtime.name in _RUNTIMES:
        raise ValueError(f"the runtime {runtime.name!r} is registered already: choose another name")
    _RUNTIMES[runtime.name] = runtime
    return factory


def names() -> list[str]:
    """What `get_runtime` knows, in alphabetical order, installed or not."""
    return sorted(_RUNTIMES)


def get_runtime(name: str) -> Runtime:
    """The runtime called `name`. Raises UnknownRuntime, naming the nearest one."""
    if name in _RUNTIMES:
        return _RUNTIMES[name]
    near = difflib.get_close_matches(name, _RUNTIMES, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise UnknownRuntime(f"no runtime {name!r}: {hint}allowed: {', '.join(names())}")


def random_array(
    rng: np.random.Generator, shape: Sequence[object], dtype: npt.DTypeLike
) -> npt.NDArray[Any]:
    """An input of `shape`; a dimension that is not a positive number becomes 1.

    Floats are standard normal and 8-bit integers span their range. Wider integers are 0 or 1:
    they are often indices, and an index must exist.
    """
    sizes = [size if isinstance(size, int) and size > 0 else 1 for size in shape]
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return rng.standard_normal(sizes, dtype=np.float32).astype(kind)
    if kind.kind in "iu" and kind.itemsize == 1:
        info = np.iinfo(kind)
        return rng.integers(info.min, info.max, sizes, dtype=kind, endpoint=True)
    if kind.kind in "iub":
        return rng.integers(0, 2, sizes).astype(kind)
    raise ModelRejected(f"an input of type {kind} cannot be made up: measure another model")


@register
class OnnxRuntime:
    """ONNX Runtime on the CPU, with exactly the threads it is told to use."""

    name = "onnxruntime"
    provider = "CPUExecutionProvider"

    def version(self) -> str:
        for package in ("onnxruntime", "onnxruntime-gpu"):
            try:
                return metadata.version(package)
            except metadata.PackageNotFoundError:
                continue
        raise MissingRuntime("onnxruntime is not installed: pip install 'edgefacet[onnx]'")

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
            node.name: random_array(rng, node.shape, _onnx_dtype(node.type))
            for node in self._session.get_inputs()
        }


def _onnx_dtype(name: str) -> npt.DTypeLike:
    """numpy's name for a type that ONNX Runtime writes as ``tensor(float)``."""
    inner = name.removeprefix("tensor(").removesuffix(")")
    renamed = {"float": "float32", "double": "float64"}.get(inner, inner)
    try:
        return np.dtype(renamed)
    except TypeError:
        raise ModelRejected(f"an input of type {name} cannot be made up") from None
