"""Module → ONNX file, the one way that profiled blocks and deployed members share.

The same module gives the same bytes, on every machine that has the same versions: a model is
known by the sha256 of its file.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from edge.files import write_atomic
from pipeline.exporter import INPUT_NAME, OUTPUT_NAME, ExportError, first_line, quiet

_CHATTY = ("torch.onnx", "onnxscript", "onnx_ir")


def export_onnx(
    module: nn.Module,
    input_shape: tuple[int, int, int],
    path: Path,
    *,
    opset: int = 20,
    metadata: Mapping[str, str] = {},
    inputs: int = 1,
) -> None:
    """Write `module`, in eval mode, to `path` in one step.

    The model maps ``image`` (1, C, H, W) to ``logits``, or as many `inputs` of this shape, which
    are then ``image``, ``image1``, ...; BatchNorm is folded into the
    convolutions; `metadata` becomes its metadata_props. The module itself is not changed.
    Raises ExportError where PyTorch refuses it, or the result is no valid model of `opset`.
    """
    frozen = copy.deepcopy(module).cpu().eval().requires_grad_(False)
    try:
        with quiet(_CHATTY), torch.no_grad():
            program = torch.onnx.export(
                frozen,
                tuple(torch.zeros(1, *input_shape) for _ in range(inputs)),
                dynamo=True,
                external_data=False,
                verbose=False,
                opset_version=opset,
                input_names=[INPUT_NAME, *(f"{INPUT_NAME}{n}" for n in range(1, inputs))],
                output_names=[OUTPUT_NAME],
            )
        assert program is not None
        model = program.model_proto
    except Exception as error:  # the exporter's errors share no base of their own
        raise ExportError(f"PyTorch cannot export {path.name}: {first_line(error)}") from error
    write_onnx(model, path, opset, metadata)


def write_onnx(model: Any, path: Path, opset: int, metadata: Mapping[str, str]) -> None:
    """Write a ModelProto with `metadata` as all that it says about itself.

    Raises ExportError where it is no valid model of `opset`.
    """
    _strip(model)
    _check(model, opset, path.name)
    for key in sorted(metadata):
        model.metadata_props.add(key=key, value=metadata[key])
    write_atomic(path, model.SerializeToString(deterministic=True))


def _check(model: Any, opset: int, name: str) -> None:
    import onnx

    found = {imported.domain: imported.version for imported in model.opset_import}
    if found != {"": opset}:  # a warning is all that PyTorch gives for an opset it cannot write
        raise ExportError(f"{name} has opset {found}, not {opset}: choose another export.opset")
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # of the checker and of shape inference
        raise ExportError(f"{name} is no valid ONNX model: {first_line(error)}") from error


def _strip(model: Any) -> None:
    """Remove what exporters note about their work: stack traces with the paths of this machine,
    of which a small model has more than of weights."""
    graph = model.graph
    parts: Iterable[Any] = (
        *(model, graph, *graph.node, *graph.initializer),
        *(*graph.input, *graph.output, *graph.value_info),
    )
    for part in parts:
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
