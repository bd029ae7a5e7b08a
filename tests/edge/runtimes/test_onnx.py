import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edge.runtimes.base import MissingProvider, MissingRuntime, ModelRejected
from edge.runtimes.onnx import OnnxRuntime

Write = Callable[[str], Path]
TENSORRT, CUDA = "TensorrtExecutionProvider", "CUDAExecutionProvider"


def test_a_missing_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", nothing)
    with pytest.raises(MissingRuntime, match=r"pip install 'edgefacet\[onnx\]'"):
        OnnxRuntime().version()
    with pytest.raises(ImportError):
        OnnxRuntime().load(Path("model.onnx"), 1)


def test_it_computes_the_model(onnx_model: Write) -> None:
    session = OnnxRuntime().load(onnx_model("conv"), threads=1)
    (y,) = session.run({"x": np.ones((1, 4, 8, 8), dtype=np.float32)})
    assert y.shape == (1, 4, 8, 8)
    assert y[0, 0, 4, 4] == pytest.approx(3.6)  # 4 channels * 9 taps * 0.1
    assert y[0, 0, 0, 0] == pytest.approx(1.6)  # only 4 taps inside the corner
    assert session.provider == OnnxRuntime.provider == "CPUExecutionProvider"


def test_feeds_fit_the_signature_and_the_seed(onnx_model: Write) -> None:
    session = OnnxRuntime().load(onnx_model("conv"), threads=1)
    first, again, other = session.feeds(0), session.feeds(0), session.feeds(1)
    assert first["x"].shape == (1, 4, 8, 8)  # the dynamic batch is 1
    assert first["x"].dtype == np.float32
    assert np.array_equal(first["x"], again["x"])
    assert not np.array_equal(first["x"], other["x"])


def with_gpu(monkeypatch: pytest.MonkeyPatch, starts: bool) -> list[list[str]]:
    """An onnxruntime-gpu in the place of onnxruntime; the providers that sessions are asked for.
    Where a GPU does not start, its sessions go on with the processor and say nothing."""
    asked: list[list[str]] = []

    class InferenceSession:
        def __init__(self, path: Path, options: object, providers: list[str]) -> None:
            asked.append(providers)

        def get_providers(self) -> list[str]:
            return asked[-1] if starts else ["CPUExecutionProvider"]

        def run(self, names: None, feeds: object) -> list[object]:
            return []

    options = SimpleNamespace(add_session_config_entry=lambda _key, _value: None)
    gpu = SimpleNamespace(
        SessionOptions=lambda: options,
        InferenceSession=InferenceSession,
        get_available_providers=lambda: [TENSORRT, CUDA, "CPUExecutionProvider"],
    )
    monkeypatch.setitem(sys.modules, "onnxruntime", gpu)
    monkeypatch.setattr(OnnxRuntime, "version", lambda _self: "1.0")
    return asked


def test_a_gpu_runs_it_with_the_next_providers_for_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = with_gpu(monkeypatch, starts=True)
    for provider in (TENSORRT, CUDA, None):
        OnnxRuntime().load(Path("model.onnx"), 1, provider)
    assert asked == [
        [TENSORRT, CUDA, "CPUExecutionProvider"],
        [CUDA, "CPUExecutionProvider"],
        ["CPUExecutionProvider"],
    ]


def test_a_gpu_that_does_not_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with_gpu(monkeypatch, starts=False)
    with pytest.raises(MissingProvider, match=f"cannot start {CUDA} here: are its libraries"):
        OnnxRuntime().load(Path("model.onnx"), 1, CUDA)


def test_a_file_that_is_no_model_is_rejected(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"this is no protobuf")
    with pytest.raises(ModelRejected, match=r"broken\.onnx"):
        OnnxRuntime().load(path, 1)
