"""Untrained models as ONNX files: latency needs no training.

Every distinct block is exported once, and models are put together from these graphs. The
exporter treats a block the same wherever it stands, so this gives the graph that exporting the
whole model gives, in a small part of the time; the tests compare the two.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from joblib import Parallel, delayed, parallel_config
from torch import nn

from edge.files import write_atomic
from edge.spec import BlockSpec
from models import blocks as block_modules
from models import depthwise
from pipeline import onnx_export
from pipeline.onnx_export import INPUT_NAME, OUTPUT_NAME, export_onnx
from pipeline.seeds import generator
from pipeline.store import STORE, content_key, place

_PACKAGES = ("torch", "onnx", "onnxscript")
_KIND = "profile"


def export_blocks(
    blocks: Sequence[BlockSpec], opset: int, workers: int, store: Path = STORE
) -> Iterator[BlockSpec]:
    """Export what the store does not hold, and yield each block when its file is there.

    The processes start once, because importing PyTorch takes longer than an export, and have
    ended at the end: what is timed afterwards runs alone. Raises ExportError.
    """
    missing = [block for block in blocks if not block_path(block, opset, store).exists()]
    if not missing:
        return
    with parallel_config("loky", n_jobs=min(workers, len(missing)), inner_max_num_threads=1):
        try:
            tasks = (delayed(_export)(block, opset, store) for block in missing)
            yield from Parallel(return_as="generator_unordered")(tasks)
        finally:
            _end_workers()


def block_path(block: BlockSpec, opset: int, store: Path = STORE) -> Path:
    """Where the exported `block` lies, by everything that decides its bytes: the code too."""
    return place(_KIND, content_key(block.key, opset, *_recipe()), ".onnx", store)


def assemble(blocks: Sequence[BlockSpec], opset: int, store: Path = STORE) -> Path:
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
    return model


@torch.no_grad()
def randomise(module: nn.Module, random: torch.Generator) -> nn.Module:
    """Give `module`, in place, weights that keep the scale of its activations.

    A fresh BatchNorm shifts nothing, so that the exporter would leave out the biases that the
    same network has once it is trained.
    """
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight, generator=random)
            if part.bias is not None:
                nn.init.normal_(part.bias, std=0.1, generator=random)
        elif isinstance(part, nn.BatchNorm2d):
            assert part.running_mean is not None
            assert part.running_var is not None
            nn.init.uniform_(part.weight, 0.5, 1.5, generator=random)
            nn.init.normal_(part.bias, std=0.1, generator=random)
            nn.init.normal_(part.running_mean, std=0.1, generator=random)
            nn.init.uniform_(part.running_var, 0.5, 1.5, generator=random)
    return module


def _export(block: BlockSpec, opset: int, store: Path) -> BlockSpec:
    module = randomise(block_modules.build(block), generator(0, block.key))
    shape = (block.in_channels, block.height, block.width)
    export_onnx(module, shape, block_path(block, opset, store), opset=opset)
    return block


@cache
def _recipe() -> tuple[str, ...]:
    """The code that makes the files, and the versions of what it calls."""
    sources = (block_modules, depthwise, onnx_export, randomise, in_a_row)
    versions = [f"{package} {metadata.version(package)}" for package in _PACKAGES]
    return (*versions, *(inspect.getsource(source) for source in sources))


def _end_workers() -> None:
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)
