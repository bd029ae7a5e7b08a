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
    the runtime fuses, once what it would not fuse is written otherwise; Pad and HardSwish it
    computes in float all the same. The model is called with float32 as before. Weights are int8,
    symmetric, a scale per output channel; activations are uint8, with the range that they have on
    `images`, each (1, C, H, W).

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
            original = onnx.load(source)
            opset = _opset(original)
            quantize_static(
                _fusible(original),
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
    write_onnx(model, path, opset, metadata)


class _Reader:
    """Images in the form that the tool asks for them: one at a time, then None."""

    def __init__(self, images: Iterator[NDArray[np.float32]]) -> None:
        self._images = images

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        image = next(self._images, None)
        return None if image is None else {INPUT_NAME: image}


def _opset(model: Any) -> int:
    return next(int(one.version) for one in model.opset_import if one.domain == "")


def _fusible(model: Any) -> Any:
    """`model` without what ONNX Runtime computes in float between two int8 operations: a mean over
    height and width becomes GlobalAveragePool, a BatchNorm that no convolution before it takes in
    becomes a depthwise 1×1 convolution. It computes the same; `model` itself changes."""
    from onnx import numpy_helper

    arrays = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    images = _images(model)
    for node in model.graph.node:
        if node.input[0] not in images:
            continue
        if node.op_type == "ReduceMean" and _is_global(node, arrays):
            _replace(node, "GlobalAveragePool", [node.input[0]])
        elif node.op_type == "BatchNormalization" and arrays.keys() >= set(node.input[1:]):
            _to_depthwise(node, arrays, model.graph)
    _drop_unused(model.graph)
    return model


def _images(model: Any) -> set[str]:
    """The values that are (B, C, H, W)."""
    import onnx

    graph = onnx.shape_inference.infer_shapes(model).graph
    values = (*graph.input, *graph.value_info, *graph.output)
    return {value.name for value in values if len(value.type.tensor_type.shape.dim) == 4}


def _is_global(node: Any, arrays: Mapping[str, NDArray[Any]]) -> bool:
    """Is this mean of images one over height and width, and (B, C, 1, 1)?"""
    axes = arrays.get(node.input[1]) if len(node.input) > 1 else None
    if axes is None or not _attribute(node, "keepdims", 1):
        return False
    return sorted(axis % 4 for axis in axes.tolist()) == [2, 3]


def _to_depthwise(node: Any, arrays: Mapping[str, NDArray[Any]], graph: Any) -> None:
    from onnx import numpy_helper

    image, *constants = node.input
    scale, shift, mean, variance = (arrays[name].astype(np.float64) for name in constants)
    factor = scale / np.sqrt(variance + _attribute(node, "epsilon", 1e-5))
    (output,) = node.output
    weight = {
        f"{output}.weight": factor.reshape(-1, 1, 1, 1),
        f"{output}.bias": shift - mean * factor,
    }
    for name, array in weight.items():
        graph.initializer.append(numpy_helper.from_array(array.astype(np.float32), name))
    _replace(node, "Conv", [image, *weight], group=len(factor), kernel_shape=[1, 1])


def _drop_unused(graph: Any) -> None:
    used = {name for node in graph.node for name in node.input}
    for one in [one for one in graph.initializer if one.name not in used]:
        graph.initializer.remove(one)


def _attribute(node: Any, name: str, default: float) -> float:
    from onnx.helper import get_attribute_value

    found = (get_attribute_value(one) for one in node.attribute if one.name == name)
    return next(found, default)


def _replace(node: Any, operation: str, inputs: Sequence[str], **attributes: Any) -> None:
    """Make the node another one, with the same output."""
    from onnx.helper import make_node

    node.CopyFrom(make_node(operation, inputs, node.output, node.name, **attributes))
