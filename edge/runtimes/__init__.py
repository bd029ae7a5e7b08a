"""Runtimes by name and by the files they run, behind one protocol.

A runtime's package is imported when a model is loaded, never before.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TypeVar

from edge.errors import EdgeError
from edge.runtimes.base import (
    Feeds,
    MissingProvider,
    MissingRuntime,
    ModelRejected,
    OtherFiles,
    Outputs,
    Runtime,
    Session,
    Tensor,
    random_array,
)
from edge.runtimes.litert import LiteRT
from edge.runtimes.onnx import OnnxRuntime

__all__ = [
    "Feeds",
    "MissingProvider",
    "MissingRuntime",
    "ModelRejected",
    "OtherFiles",
    "Outputs",
    "Runtime",
    "Session",
    "Tensor",
    "UnknownRuntime",
    "get_runtime",
    "names",
    "random_array",
    "register",
]


class UnknownRuntime(EdgeError, KeyError):
    """No runtime of that name."""


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


register(OnnxRuntime)
register(LiteRT)
