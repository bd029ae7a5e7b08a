"""fp32 TFLite file → int8 or fp16 TFLite file, by AI Edge Quantizer."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.exporter import INPUT_NAME, ExportError, first_line, quiet
from pipeline.tflite_export import pack, unpack, write_tflite

_CHATTY = ("root", "absl")


def quantize_tflite(
    source: Path,
    path: Path,
    images: Sequence[NDArray[np.float32]],
    metadata: Mapping[str, str] = {},
) -> None:
    """Write the int8 model of `source`, a file of `export_tflite`, to `path` in one step.

    Every operation computes in int8: weights symmetric, a scale per output channel; activations
    with the range that they have on `images`, each (1, H, W, C). The model is called with float32
    as before and quantises its input itself, which takes no time that can be measured: files of
    all precisions are interchangeable. Raises ExportError where the model cannot be quantised.
    """
    from ai_edge_quantizer import algorithm_manager, qtyping, recipe

    keep = {"algorithm_key": algorithm_manager.AlgorithmName.NO_QUANTIZE}
    operations = qtyping.TFLOperationName
    with _quantizer(source, recipe.static_wi8_ai8()) as (quantizer, named):
        for border in (operations.INPUT, operations.OUTPUT):
            quantizer.update_quantization_recipe(".*", border, **keep)
        content = _quantize(quantizer, _ranges(named, images))
    write_tflite(unpack(content), path, metadata)


def halve_tflite(source: Path, path: Path, metadata: Mapping[str, str] = {}) -> None:
    """Write the fp16 model of `source`, a file of `export_tflite`, to `path` in one step.

    Weights are stored as fp16. A processor that computes in fp16 may do so; others, x86 among
    them, make them fp32 when the model is loaded. Raises ExportError where a weight cannot be.
    """
    from ai_edge_quantizer import algorithm_manager, qtyping

    weights = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
    config = qtyping.OpQuantizationConfig(
        weight_tensor_config=weights,
        compute_precision=qtyping.ComputePrecision.FLOAT,
        explicit_dequantize=True,
    )
    casting = algorithm_manager.AlgorithmName.FLOAT_CASTING
    with _quantizer(source) as (quantizer, _):
        quantizer.update_quantization_recipe(".*", "*", config, casting)
        content = _quantize(quantizer)
    write_tflite(unpack(content), path, metadata)


@contextlib.contextmanager
def _quantizer(source: Path, recipe: Any = None) -> Iterator[tuple[Any, bytes]]:
    """A quantiser of the file, and the bytes that it was given, in silence; what fails is an
    ExportError that names the file."""
    from ai_edge_quantizer import quantizer

    with quiet(_CHATTY), contextlib.redirect_stderr(io.StringIO()):  # progress bars
        try:
            named = _named(source)
            yield quantizer.Quantizer(named, recipe), named
        except Exception as error:  # its errors share no base of their own
            raise ExportError(f"cannot quantise {source.name}: {first_line(error)}") from error


def _ranges(source: bytes, images: Sequence[NDArray[np.float32]]) -> Any:
    """The smallest range of every activation that holds all its values, which LiteRT watches while
    it runs. The quantiser's own way of calling this averages the ranges of single images, so that
    most images have values outside."""
    from ai_edge_quantizer.calibrator import CalibrationMode, Calibrator
    from ai_edge_quantizer.recipe_manager import RecipeManager
    from ai_edge_quantizer.utils.qsv_utils import min_max_update

    (signature,) = unpack(source).signatureDefs
    calibrator = Calibrator(
        source,
        num_threads=1,
        mode=CalibrationMode.CALIBRATION_PROFILER_BASED,
        qsv_update_func=min_max_update,
    )
    feeds = {signature.signatureKey.decode(): [{INPUT_NAME: image} for image in images]}
    calibrator.calibrate(feeds, RecipeManager())  # this mode watches all, whatever a recipe says
    return calibrator.get_model_qsvs()


def _quantize(quantizer: Any, ranges: Any = None) -> bytes:
    done = quantizer.quantize(ranges, enable_progress_bar=False, enable_progress_report=False)
    return bytes(done.quantized_model)


def _named(source: Path) -> bytes:
    """The file with a name for every tensor, by which the quantiser tells them apart: ours have
    none, which is a tenth of a small model."""
    model = unpack(source.read_bytes())
    (graph,) = model.subgraphs
    for number, tensor in enumerate(graph.tensors):
        tensor.name = tensor.name or f"tensor{number}"
    return pack(model)
