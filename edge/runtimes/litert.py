"""LiteRT, for ``.tflite`` files; its predecessor tflite-runtime where there is no LiteRT."""

from __future__ import annotations

import base64
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

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

_MODULES = {  # in order of preference; tflite-runtime ended, but serves 32-bit boards
    "ai-edge-litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
}

_ABS = base64.b64decode(  # a whole TFLite model: y = |x|, one float
    "GAAAAFRGTDMAAA4AFAAQAAwACAAAAAQADgAAABAAAAAcAAAA0AAAAAMAAAABAAAACAAAAAQABAAEAAAAAQAAABAA"
    "AAAMABQAEAAMAAgABAAMAAAAEAAAADwAAABAAAAARAAAAAEAAAAQAAAAAAAKAAwAAAAIAAQACgAAAAgAAAAMAAAA"
    "AQAAAAEAAAABAAAAAAAAAAEAAAABAAAAAQAAAAAAAAACAAAAMAAAAAQAAADk////CAAAAAwAAAABAAAAeQAAAAEA"
    "AAABAAAADAAMAAgAAAAAAAQADAAAAAgAAAAMAAAAAQAAAHgAAAABAAAAAQAAAAEAAAAQAAAADAAMAAsAAAAAAAQA"
    "DAAAAGUAAAAAAABl"
)


class LiteRT:
    """LiteRT on the CPU, with the delegate that it applies by default: XNNPACK."""

    name = "litert"
    suffix = ".tflite"
    provider = "XNNPACK"
    install = "pip install 'edgefacet[litert]', on a 32-bit system 'edgefacet[tflite]'"

    def version(self) -> str:
        return " ".join(self._installed())

    def prepare(self) -> None:
        self._interpreter(model_content=_ABS).allocate_tensors()
        np.random.default_rng()  # numpy imports its generators when the first one is asked for

    def refuse_other_files(self, path: Path) -> None:
        """The interpreter is given one file, and asks for no other."""

    def load(self, path: Path, threads: int, provider: str | None = None) -> Session:
        if provider not in (None, self.provider):
            raise MissingProvider(f"{self.name} runs on {self.provider} only, not on {provider}")
        try:
            interpreter = self._interpreter(model_path=str(path), num_threads=threads)
            for tensor in interpreter.get_input_details():
                if (shape := _shape(tensor)) != tensor["shape"].tolist():
                    interpreter.resize_tensor_input(tensor["index"], shape)
            interpreter.allocate_tensors()
        except (MemoryError, MissingRuntime):
            raise
        except Exception as error:  # ValueError, RuntimeError: whatever its C++ side throws
            raise ModelRejected(f"{self.name} refuses {path.name}: {error}") from error
        return LiteRTSession(interpreter)

    def _installed(self) -> tuple[str, str]:
        found = first_installed(*_MODULES)
        if found is None:
            raise MissingRuntime(f"neither {' nor '.join(_MODULES)} is installed: {self.install}")
        if found[0] == "tflite-runtime" and int(np.__version__.partition(".")[0]) > 1:
            # Its metadata allows numpy 2, with which it imports but loads no model.
            raise MissingRuntime("tflite-runtime cannot work with numpy 2: pip install 'numpy<2'")
        return found

    def _interpreter(self, **options: Any) -> Any:
        package, _ = self._installed()
        try:
            module = importlib.import_module(_MODULES[package])
        except ImportError as error:
            raise MissingRuntime(
                f"{package} is installed but cannot be imported ({error}): {self.install}"
            ) from error
        return module.Interpreter(**options)


class LiteRTSession:
    """One model in LiteRT. What `run` returns is the caller's: it is no view of the model's."""

    thread_safe = False
    run: Callable[[Feeds], Outputs]

    def __init__(self, interpreter: Any) -> None:
        self.inputs = tuple(map(_tensor, interpreter.get_input_details()))
        self.outputs = tuple(map(_tensor, interpreter.get_output_details()))
        self._delegated = any(op["op_name"] == "DELEGATE" for op in interpreter._get_ops_details())
        self.run = _runner(
            interpreter,
            [(tensor["index"], tensor["name"]) for tensor in interpreter.get_input_details()],
            [tensor["index"] for tensor in interpreter.get_output_details()],
        )

    @property
    def provider(self) -> str:
        """XNNPACK where it took at least a part of the model, else LiteRT's own kernels."""
        return LiteRT.provider if self._delegated else "CPU"

    def feeds(self, seed: int) -> Feeds:
        return random_feeds(self.inputs, seed)


def _tensor(tensor: dict[str, Any]) -> Tensor:
    scale, zero_point = tensor["quantization"]  # 0.0 where it is not quantised as a whole
    shape, dtype = tuple(_shape(tensor)), np.dtype(tensor["dtype"])
    return Tensor(tensor["name"], shape, dtype, float(scale) or None, int(zero_point))


def _shape(tensor: dict[str, Any]) -> list[int]:
    return static_shape(tensor["shape_signature"].tolist())


def _runner(
    interpreter: Any, inputs: list[tuple[int, str]], outputs: list[int]
) -> Callable[[Feeds], Outputs]:
    """One inference, as an application would make it: inputs copied in, outputs copied out."""
    set_tensor, invoke = interpreter.set_tensor, interpreter.invoke
    get_tensor = interpreter.get_tensor

    def run(feeds: Feeds) -> Outputs:
        for index, name in inputs:
            set_tensor(index, feeds[name])
        invoke()
        return [get_tensor(index) for index in outputs]

    if len(inputs) != 1 or len(outputs) != 1:
        return run
    ((only_input, only_name),), (only_output,) = inputs, outputs

    def run_one(feeds: Feeds) -> Outputs:  # loops would be 1 µs of the time that is measured
        set_tensor(only_input, feeds[only_name])
        invoke()
        return [get_tensor(only_output)]

    return run_one
