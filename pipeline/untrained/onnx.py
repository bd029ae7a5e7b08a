"""Untrained models as ONNX files.

Every distinct block is exported once, and models are put together from these graphs. The
exporter treats a block the same wherever it stands, so this gives the graph that exporting the
whole model gives, in a small part of the time; the tests compare the two.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import cache, partial
from importlib import metadata
from pathlib import Path
from typing import Any

from edge.files import write_atomic
from edge.spec import BlockSpec
from models import blocks as block_modules
from models import depthwise
from pipeline import onnx_export
from pipeline.exporter import INPUT_NAME, OUTPUT_NAME
from pipeline.onnx_export import export_onnx
from pipeline.parallel import run_all
from pipeline.params import ExportParams
from pipeline.store import content_key, place
from pipeline.untrained import weights

_PACKAGES = ("torch", "onnx", "onnxscript")
_KIND = "profile"


def build(
    models: Sequence[Sequence[BlockSpec]], params: ExportParams, workers: int, store: Path
) -> list[Path]:
    """A file per model; see `pipeline.untrained.build_files`."""
    opset = params.opset
    blocks = sorted({block for model in models for block in model})
    missing = [block for block in blocks if not block_path(block, opset, store).exists()]
    run_all("export", partial(_export, opset, store), missing, workers)
    return [assemble(model, opset, store) for model in models]


def block_path(block: BlockSpec, opset: int, store: Path) -> Path:
    """Where the exported `block` lies, by everything that decides its bytes: the code too."""
    return place(_KIND, content_key(block.key, opset, *_recipe()), ".onnx", store)


def assemble(blocks: Sequence[BlockSpec], opset: int, store: Path) -> Path:
    """The file of a model that is `blocks` in a row, all of which have been exported."""
    names = [block.key for block in blocks]
    path = place(_KIND, content_key("model", names, opset, *_recipe()), ".onnx", store)
    if not path.exists():
        import onnx

        model = in_a_row([onnx.load(block_path(block, opset, store)) for block in blocks])
        onnx.checker.check_model(model, full_check=True)
        write_atomic(path, model.SerializeToString(deterministic=True))
    return path


def in_a_row(parts: Sequence[Any]) -> Any:
    """One ModelProto whose every part reads what the part before it gives."""
    from onnx import compose

    last = len(parts) - 1
    named = [
        compose.add_prefix(part, f"{n}/", rename_inputs=n > 0, rename_outputs=n < last)
        for n, part in enumerate(parts)
    ]
    model = named[0]
    for n, part in enumerate(named[1:], 1):
        model = compose.merge_models(
            model, part, io_map=[(f"{n - 1}/{OUTPUT_NAME}", f"{n}/{INPUT_NAME}")]
        )
    del model.opset_import[1:]  # merging repeats what every part imports: the same one operator set
    return model


def _export(opset: int, store: Path, block: BlockSpec) -> str:
    shape = (block.in_channels, block.height, block.width)
    export_onnx(weights.untrained([block])[0], shape, block_path(block, opset, store), opset=opset)
    return block.key


@cache
def _recipe() -> tuple[str, ...]:
    """The code that makes the files, and the versions of what it calls."""
    sources = (block_modules, depthwise, onnx_export, weights, in_a_row)
    versions = [f"{package} {metadata.version(package)}" for package in _PACKAGES]
    return (*versions, *(inspect.getsource(source) for source in sources))
