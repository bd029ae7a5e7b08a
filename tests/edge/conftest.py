"""What several test files of `edge` need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.edge import onnx_models


@pytest.fixture
def onnx_model(tmp_path: Path) -> Callable[[str], Path]:
    """Writes ``<name>.onnx``: y = relu(conv3x3(x)), x of shape (batch, 4, 8, 8)."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    return lambda name: onnx_models.write(tmp_path / f"{name}.onnx")
