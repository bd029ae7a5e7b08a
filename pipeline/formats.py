"""The formats of model files, each with what writes it and what runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from edge.family import FORMATS, Format
from edge.runtimes import get_runtime
from pipeline.batches import Images
from pipeline.exporter import INPUT_NAME
from pipeline.onnx_export import export_onnx
from pipeline.params import ExportParams, TargetParams
from pipeline.tflite_export import export_tflite
from pipeline.training import EVALUATION_BATCH

Shape: TypeAlias = tuple[int, int, int]  # (C, H, W), whatever the layout of the file
Writer: TypeAlias = Callable[[nn.Module, Shape, Path, ExportParams, Mapping[str, str]], None]


@dataclass(frozen=True)
class FileFormat:
    """A format of model files; `write` makes one, of a module that maps an image to logits."""

    name: Format
    runtime: str
    layout: Literal["NCHW", "NHWC"]  # of the image that goes in
    write: Writer

    def shape(self, input_shape: Shape) -> tuple[int, int, int, int]:
        """Of the input, one image."""
        channels, height, width = input_shape
        sizes = {"N": 1, "C": channels, "H": height, "W": width}
        n, a, b, c = (sizes[axis] for axis in self.layout)
        return n, a, b, c

    def logits(self, path: Path, images: Images) -> Tensor:
        """What a file makes of every image, (N, classes), one at a time as on the target."""
        session = get_runtime(self.runtime).load(path, threads=1)
        axes = ["NCHW".index(axis) for axis in self.layout]
        rows = [
            torch.from_numpy(session.run({INPUT_NAME: image[None]})[0])
            for x, _ in images.in_order(EVALUATION_BATCH)  # (B, C, H, W)
            for image in x.permute(axes).contiguous().numpy()
        ]
        return torch.cat(rows)


def _write_onnx(
    net: nn.Module, shape: Shape, path: Path, params: ExportParams, metadata: Mapping[str, str]
) -> None:
    export_onnx(net, shape, path, opset=params.opset, metadata=metadata)


def _write_tflite(
    net: nn.Module, shape: Shape, path: Path, params: ExportParams, metadata: Mapping[str, str]
) -> None:
    export_tflite(net, shape, path, metadata=metadata)


_FILE_FORMATS: Mapping[Format, FileFormat] = {
    "onnx": FileFormat("onnx", "onnxruntime", "NCHW", _write_onnx),
    "tflite": FileFormat("tflite", "litert", "NHWC", _write_tflite),
}


def format_of(runtime: str) -> FileFormat:
    """The format that a runtime reads."""
    return _FILE_FORMATS[FORMATS[runtime]]


def formats_of(targets: Iterable[TargetParams]) -> list[FileFormat]:
    """What has to be exported for `targets`: each format once, in their order."""
    return list({kind.name: kind for kind in (format_of(t.runtime) for t in targets)}.values())
