"""The formats of model files, each with what writes it and what runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edge.family import FORMATS, Format
from edge.record import Target
from edge.runtimes import get_runtime
from pipeline.batches import Images
from pipeline.exporter import INPUT_NAME, ExportError
from pipeline.onnx_export import export_onnx
from pipeline.params import ExportParams, TargetParams
from pipeline.quantize_onnx import quantize_onnx
from pipeline.quantize_tflite import halve_tflite, quantize_tflite
from pipeline.sections.target import PRECISIONS, Precision, wanted_files
from pipeline.tflite_export import export_tflite
from pipeline.training import EVALUATION_BATCH

Shape: TypeAlias = tuple[int, int, int]  # (C, H, W), whatever the layout of the file
Metadata: TypeAlias = Mapping[str, str]
Inputs: TypeAlias = Sequence[NDArray[np.float32]]  # of one image each, in the layout of the file
Writer: TypeAlias = Callable[[nn.Module, Shape, Path, ExportParams, Metadata], None]
Converter: TypeAlias = Callable[[Path, Path, Inputs, Metadata], None]


@dataclass(frozen=True)
class FileFormat:
    """A format of model files. `write` makes an fp32 one, of a module that maps an image to
    logits; `converters` make others of that file, by precision: they are told from where to
    where, calibration images, and what the file says about itself. `packages` do the work."""

    name: Format
    runtime: str
    layout: Literal["NCHW", "NHWC"]  # of the image that goes in
    write: Writer
    converters: Mapping[Precision, Converter]
    packages: tuple[str, ...]

    def file_name(self, stem: str, precision: Precision) -> str:
        """What a file is called: by its precision, too, where it is not fp32."""
        return f"{stem}.{self.name}" if precision == "fp32" else f"{stem}.{precision}.{self.name}"

    def shape(self, input_shape: Shape) -> tuple[int, int, int, int]:
        """Of the input, one image."""
        channels, height, width = input_shape
        sizes = {"N": 1, "C": channels, "H": height, "W": width}
        n, a, b, c = (sizes[axis] for axis in self.layout)
        return n, a, b, c

    def inputs(self, x: Tensor) -> Inputs:
        """Images (N, C, H, W) as a file takes them, one at a time."""
        axes = ["NCHW".index(axis) for axis in self.layout]
        return [image[None] for image in x.permute(axes).contiguous().numpy()]

    def logits(self, path: Path, images: Images) -> Tensor:
        """What a file makes of every image, (N, classes), one at a time as on the target."""
        session = get_runtime(self.runtime).load(path, threads=1)
        rows = [
            torch.from_numpy(session.run({INPUT_NAME: image})[0])
            for x, _ in images.in_order(EVALUATION_BATCH)  # (B, C, H, W)
            for image in self.inputs(x)
        ]
        return torch.cat(rows)


def _write_onnx(
    net: nn.Module, shape: Shape, path: Path, params: ExportParams, metadata: Metadata
) -> None:
    export_onnx(net, shape, path, opset=params.opset, metadata=metadata)


def _write_tflite(
    net: nn.Module, shape: Shape, path: Path, params: ExportParams, metadata: Metadata
) -> None:
    export_tflite(net, shape, path, metadata=metadata)


def _fp16_tflite(source: Path, path: Path, _inputs: Inputs, metadata: Metadata) -> None:
    halve_tflite(source, path, metadata)


_FILE_FORMATS: Mapping[Format, FileFormat] = {
    "onnx": FileFormat(
        *("onnx", "onnxruntime", "NCHW", _write_onnx),
        converters={"int8": quantize_onnx},
        packages=("torch", "onnx", "onnxscript", "onnxruntime"),
    ),
    "tflite": FileFormat(
        *("tflite", "litert", "NHWC", _write_tflite),
        converters={"int8": quantize_tflite, "fp16": _fp16_tflite},
        packages=(
            *("torch", "litert-torch", "litert-converter"),
            *("ai-edge-litert", "ai-edge-quantizer"),
        ),
    ),
}


def format_named(name: Format) -> FileFormat:
    """The format of that name."""
    return _FILE_FORMATS[name]


def format_of(runtime: str) -> FileFormat:
    """The format that a runtime reads."""
    return format_named(FORMATS[runtime])


def precision_of(target: Target) -> Precision:
    """What its files are stored in. Raises ExportError where nothing makes such files."""
    for precision in PRECISIONS[target.runtime]:
        if precision == target.precision:
            return precision
    raise ExportError(
        f"there are no {target.precision} files for {target.runtime}: name another precision in "
        "`targets` in params.yaml"
    )


def files_of(
    targets: Iterable[TargetParams], precisions: Iterable[Precision]
) -> list[tuple[FileFormat, list[Precision]]]:
    """What has to be exported: formats, each with its precisions, fp32 first."""
    wanted = wanted_files(targets, precisions)
    return [(format_of(runtime), of_runtime) for runtime, of_runtime in wanted.items()]
