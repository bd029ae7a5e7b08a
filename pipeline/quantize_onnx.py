"""fp32 ONNX file → int8 ONNX file: static quantisation by ONNX Runtime's own tool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.exporter import INPUT_NAME, ExportError, first_line, quiet
from pipeline.onnx_compact import compact
from pipeline.onnx_export import write_onnx


def quantize_onnx(
    source: Path,
    path: Path,
    images: Sequence[NDArray[np.float32]],
    metadata: Mapping[str, str] = {},
) -> None:
    """Write the int8 model of `source`, a file of `export_onnx`, to `path` in one step.

    Every operation is put between QuantizeLinear and DequantizeLinear (the format QDQ), which
    the runtime fuses; the model is called with float32 as before. Weights are int8, symmetric, a
    scale per output channel; activations are uint8, with the range that they have on `images`,
    each (1, C, H, W).

    Weights use seven of their eight bits: without VNNI, x86 adds two products of 8 by 8 bits in
    16, which saturates, and a file must give on every processor what it was accepted for
    (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html, "When and why
    do I need to try U8U8"). Raises ExportError where the model cannot be quantised.
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    with TemporaryDirectory() as folder, quiet(["root"]):  # its advice is about larger models
        written = Path(folder) / path.name
        try:
            quantize_static(
                source,
                written,
                _Reader(iter(images)),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                reduce_range=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
        except Exception as error:  # whatever its parts raise
            raise ExportError(f"cannot quantise {source.name}: {first_line(error)}") from error
        model = onnx.load(written)
    compact(model)
    write_onnx(model, path, _opset(onnx.load(source)), metadata)


class _Reader:
    """Images in the form that the tool asks for them: one at a time, then None."""

    def __init__(self, images: Iterator[NDArray[np.float32]]) -> None:
        self._images = images

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        image = next(self._images, None)
        return None if image is None else {INPUT_NAME: image}


def _opset(model: Any) -> int:
    return next(int(one.version) for one in model.opset_import if one.domain == "")
