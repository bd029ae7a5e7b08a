"""What every runtime offers: load a model, feed it what it asks for, run it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from edge.errors import EdgeError

Feeds = Mapping[str, npt.NDArray[Any]]
Outputs = Sequence[npt.NDArray[Any]]


class MissingRuntime(EdgeError, ImportError):
    """The runtime's package is not installed, or cannot work as it is installed."""


class ModelRejected(EdgeError, ValueError):
    """The runtime refuses the model."""


class OtherFiles(ModelRejected):
    """The model keeps data in other files."""


class MissingProvider(MissingRuntime):
    """The runtime is installed without the execution provider that is asked for."""


@dataclass(frozen=True)
class Tensor:
    """An input or an output as the model's signature has it; a dynamic dimension is 1.

    Where `scale` is one, the integers q stand for the numbers (q - zero_point) * scale.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float | None = None
    zero_point: int = 0


class Session(Protocol):
    """A model that is loaded and ready to run."""

    @property
    def provider(self) -> str:
        """The execution provider or delegate that is actually used."""

    @property
    def inputs(self) -> Sequence[Tensor]:
        """What it is fed with. Raises ModelRejected for a type that numpy does not have."""

    @property
    def outputs(self) -> Sequence[Tensor]:
        """What `run` returns, in its order."""

    @property
    def thread_safe(self) -> bool:
        """Whether threads may call `run` at the same time."""

    def feeds(self, seed: int) -> Feeds:
        """Random inputs of the shapes and types in the model's signature."""

    def run(self, feeds: Feeds) -> Outputs:
        """One inference."""


class Runtime(Protocol):
    """A way to run model files."""

    @property
    def name(self) -> str: ...

    @property
    def suffix(self) -> str:
        """Of the model files that it runs, with the dot."""

    @property
    def provider(self) -> str:
        """The execution provider or delegate that is asked for."""

    @property
    def install(self) -> str:
        """The command that installs it."""

    def version(self) -> str:
        """The installed version, without importing it. Raises MissingRuntime.

        Where several packages can be the runtime, it names the package: their versions count
        differently, and equal numbers must not make equal targets.
        """

    def prepare(self) -> None:
        """Import the package and let it set up what it sets up once.

        Otherwise the first model would seem to need that memory.
        """

    def refuse_other_files(self, path: Path) -> None:
        """Look at the model of a stranger before it is loaded: it must read no file but its own.

        Raises ModelRejected.
        """

    def load(self, path: Path, threads: int, provider: str | None = None) -> Session:
        """Ready to run, on `provider` where that is another one than the runtime's own.

        Raises MissingRuntime, of which MissingProvider is a case, or ModelRejected where the file
        is no model for this runtime.
        """


def first_installed(*packages: str) -> tuple[str, str] | None:
    """(name, version) of the first of `packages` that is installed; nothing is imported."""
    for package in packages:
        try:
            return package, metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return None


def random_feeds(inputs: Iterable[Tensor], seed: int) -> Feeds:
    """An array for each of `inputs`; the same seed gives the same ones."""
    rng = np.random.default_rng(seed)
    return {tensor.name: random_array(rng, tensor.shape, tensor.dtype) for tensor in inputs}


def static_shape(shape: Sequence[object]) -> list[int]:
    """`shape` with 1 for every dimension that is not a positive number: those are dynamic."""
    return [size if isinstance(size, int) and size > 0 else 1 for size in shape]


def random_array(
    rng: np.random.Generator, shape: Sequence[object], dtype: npt.DTypeLike
) -> npt.NDArray[Any]:
    """An input of `shape` made static.

    Floats are standard normal and 8-bit integers span their range. Wider integers are 0 or 1:
    they are often indices, and an index must exist. Raises ModelRejected for any other type.
    """
    sizes = static_shape(shape)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return rng.standard_normal(sizes, dtype=np.float32).astype(kind)
    if kind.kind in "iu" and kind.itemsize == 1:
        info = np.iinfo(kind)
        return rng.integers(info.min, info.max, sizes, dtype=kind, endpoint=True)
    if kind.kind in "iub":
        return rng.integers(0, 2, sizes).astype(kind)
    raise ModelRejected(f"an input of type {kind} cannot be made up: measure another model")
