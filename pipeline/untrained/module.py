"""The file of a network that is no row of blocks: a hand-designed one."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from pipeline.formats import FileFormat, Shape
from pipeline.params import ExportParams
from pipeline.sections.target import Precision
from pipeline.seeds import generator
from pipeline.untrained.converted import convert
from pipeline.untrained.weights import randomise


def write_file(
    net: nn.Module,
    kind: FileFormat,
    precision: Precision,
    input_shape: Shape,
    path: Path,
    params: ExportParams,
) -> None:
    """Write `net` to `path` with random weights, which decide no latency. Raises ExportError."""
    randomise(net, generator(0, "untrained", path.stem))
    if precision == "fp32":
        kind.write(net, input_shape, path, params, {})
        return
    source = path.with_suffix(f".fp32{path.suffix}")
    kind.write(net, input_shape, source, params, {})
    convert(kind, precision, source, path, input_shape)
