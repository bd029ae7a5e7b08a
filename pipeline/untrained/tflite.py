"""Untrained models as TFLite files, each exported as a whole.

The converter moves paddings and layouts across the borders of blocks, so that a model is more
than its blocks put together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

from models.network import Layer
from pipeline import tflite_export
from pipeline.parallel import run_all
from pipeline.params import ExportParams
from pipeline.source_code import BLOCKS, made_by
from pipeline.store import content_key, place
from pipeline.tflite_export import export_tflite
from pipeline.untrained import weights

_PACKAGES = ("torch", "litert-torch", "litert-converter")
_KIND = "profile"


def build(
    models: Sequence[Sequence[Layer]], _params: ExportParams, workers: int, store: Path
) -> list[Path]:
    """A file per model; see `pipeline.untrained.build_files`."""
    paths = {tuple(model): model_path(model, store) for model in models}
    missing = [model for model, path in paths.items() if not path.exists()]
    # The largest first, so that no process idles long.
    run_all("export", partial(_export, store), sorted(missing, key=len, reverse=True), workers)
    return [paths[tuple(model)] for model in models]


def model_path(layers: Sequence[Layer], store: Path) -> Path:
    """Where the exported model lies, by everything that decides its bytes: the code too."""
    names = [(layer.block.key, layer.sources) for layer in layers]
    return place(_KIND, content_key("model", names, *_recipe()), ".tflite", store)


def _export(store: Path, layers: Sequence[Layer]) -> str:
    first = layers[0].block
    shape = (first.in_channels, first.height, first.width)
    export_tflite(weights.untrained(layers), shape, model_path(layers, store))
    return layers[-1].block.key


@cache
def _recipe() -> tuple[str, ...]:
    """The code that makes the files, and the versions of what it calls."""
    sources = (*BLOCKS, tflite_export, weights)
    return made_by(sources, _PACKAGES)
