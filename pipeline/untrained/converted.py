"""Untrained models of a lower precision, made of their fp32 files as a member's are.

Activations get the ranges that they have on random images. Latency depends on neither weights nor
ranges: a kernel for dense int8 tensors multiplies and adds the same numbers of times whatever the
numbers are, and a range is one more factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

import torch

from edge.family import Format
from models.network import Layer
from pipeline import onnx_compact, quantize_onnx, quantize_tflite, tflite_export
from pipeline.formats import FileFormat, Shape, format_named
from pipeline.parallel import run_all
from pipeline.sections.target import Precision
from pipeline.seeds import generator
from pipeline.source_code import made_by
from pipeline.store import content_key, place

_PACKAGES = ("onnx", "onnxruntime", "ai-edge-litert", "ai-edge-quantizer")
_KIND = "profile"
_IMAGES = 8  # enough for every channel to have a range


def build(
    models: Sequence[Sequence[Layer]],
    sources: Sequence[Path],
    kind: Format,
    precision: Precision,
    workers: int,
    store: Path,
) -> list[Path]:
    """A file per model, made of its fp32 file in `sources`; what the store holds is not made
    again. Raises ExportError."""
    shapes = {source: _shape(model) for model, source in zip(models, sources, strict=True)}
    paths = {source: converted_path(source, precision, store) for source in shapes}
    missing = [(source, shapes[source]) for source, path in paths.items() if not path.exists()]
    run_all(precision, partial(_convert, kind, precision, store), missing, workers)
    return [paths[source] for source in sources]


def converted_path(source: Path, precision: Precision, store: Path) -> Path:
    """Where the converted file lies, by everything that decides its bytes: the source's name is
    the key of what decided the source's."""
    key = content_key(precision, source.name, *_recipe())
    return place(_KIND, key, f".{precision}{source.suffix}", store)


def convert(kind: FileFormat, precision: Precision, source: Path, path: Path, shape: Shape) -> None:
    """Write the file of `precision` that is made of `source`, an untrained fp32 model for images
    of `shape`, to `path`. Raises ExportError."""
    images = torch.randn(_IMAGES, *shape, generator=generator(0, "ranges"))
    kind.converters[precision](source, path, kind.inputs(images), {})


def _convert(kind: Format, precision: Precision, store: Path, item: tuple[Path, Shape]) -> str:
    source, shape = item
    path = converted_path(source, precision, store)
    convert(format_named(kind), precision, source, path, shape)
    return path.name


def _shape(layers: Sequence[Layer]) -> Shape:
    first = layers[0].block
    return first.in_channels, first.height, first.width


@cache
def _recipe() -> tuple[str, ...]:
    """The code that makes the files, and the versions of what it calls."""
    sources = (quantize_onnx, onnx_compact, quantize_tflite, tflite_export, convert)
    return made_by(sources, _PACKAGES)
