"""Untrained models as ONNX files.

Every distinct block is exported once, and models are put together from these graphs. The
exporter treats a block the same wherever it stands, so this gives the graph that exporting the
whole model gives, in a small part of the time; the tests compare the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from edge.files import write_atomic
from edge.spec import BlockSpec
from models.network import Layer, Sources
from pipeline import onnx_export
from pipeline.exporter import INPUT_NAME, OUTPUT_NAME
from pipeline.onnx_export import export_onnx
from pipeline.parallel import run_all
from pipeline.params import ExportParams
from pipeline.source_code import BLOCKS, made_by
from pipeline.store import content_key, place
from pipeline.untrained import weights

_PACKAGES = ("torch", "onnx", "onnxscript")
_KIND = "profile"


def build(
    models: Sequence[Sequence[Layer]], params: ExportParams, workers: int, store: Path
) -> list[Path]:
    """A file per model; see `pipeline.untrained.build_files`."""
    opset = params.opset
    blocks = sorted({layer.block for model in models for layer in model})
    missing = [block for block in blocks if not block_path(block, opset, store).exists()]
    run_all("export", partial(_export, opset, store), missing, workers)
    return [assemble(model, opset, store) for model in models]


def block_path(block: BlockSpec, opset: int, store: Path) -> Path:
    """Where the exported `block` lies, by everything that decides its bytes: the code too."""
    return place(_KIND, content_key(block.key, opset, *_recipe()), ".onnx", store)


def assemble(layers: Sequence[Layer], opset: int, store: Path) -> Path:
    """The file of a model of these layers, the blocks of which have been exported."""
    names = [(layer.block.key, layer.sources) for layer in layers]
    path = place(_KIND, content_key("model", names, opset, *_recipe()), ".onnx", store)
    if not path.exists():
        import onnx

        parts = [onnx.load(block_path(layer.block, opset, store)) for layer in layers]
        model = joined(parts, [layer.sources for layer in layers])
        onnx.checker.check_model(model, full_check=True)
        write_atomic(path, model.SerializeToString(deterministic=True))
    return path


def joined(parts: Sequence[Any], sources: Sequence[Sources]) -> Any:
    """One ModelProto of parts that read what parts before them give, or the image (-1)."""
    from onnx import compose, helper

    model = type(parts[0])()
    model.CopyFrom(parts[0])
    graph = model.graph
    for field in ("node", "initializer", "value_info", "input", "output"):
        graph.ClearField(field)
    for n, (part, read) in enumerate(zip(parts, sources, strict=True)):
        inner = compose.add_prefix(part, f"{n}/").graph
        given = {one.name: _output(s) for one, s in zip(inner.input, read, strict=True)}
        for node in inner.node:
            node.input[:] = [given.get(name, name) for name in node.input]
        graph.node.extend(inner.node)
        graph.initializer.extend(inner.initializer)
        graph.value_info.extend([*inner.value_info, *inner.output])
    end = graph.value_info.pop()
    image = parts[0].graph.input[0]
    graph.input.append(image)
    graph.output.append(end)
    _rename(graph.node, end.name, OUTPUT_NAME)
    end = graph.output[0]
    end.name = OUTPUT_NAME
    return helper.make_model(
        graph, opset_imports=parts[0].opset_import, ir_version=parts[0].ir_version
    )


def _output(part: int) -> str:
    return INPUT_NAME if part < 0 else f"{part}/{OUTPUT_NAME}"


def _rename(nodes: Sequence[Any], old: str, new: str) -> None:
    for node in nodes:
        node.output[:] = [new if name == old else name for name in node.output]


def _export(opset: int, store: Path, block: BlockSpec) -> str:
    shape = (block.in_channels, block.height, block.width)
    path, inputs = block_path(block, opset, store), block.operands
    export_onnx(weights.random_block(block), shape, path, opset=opset, inputs=inputs)
    return block.key


@cache
def _recipe() -> tuple[str, ...]:
    """The code that makes the files, and the versions of what it calls."""
    sources = (*BLOCKS, onnx_export, weights, joined)
    return made_by(sources, _PACKAGES)
