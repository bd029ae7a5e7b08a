"""Untrained models as files: latency needs no training.

A model is blocks and what each of them reads: a chain of one block, or a whole network.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edge.family import Format
from models.network import Layer
from pipeline.params import ExportParams
from pipeline.sections.target import Precision
from pipeline.store import STORE
from pipeline.untrained import converted, onnx, tflite
from pipeline.untrained.weights import randomise

__all__ = ["build_files", "randomise"]

_BUILDERS = {"onnx": onnx.build, "tflite": tflite.build}


def build_files(
    models: Sequence[Sequence[Layer]],
    kind: Format,
    params: ExportParams,
    workers: int,
    store: Path = STORE,
    precision: Precision = "fp32",
) -> list[Path]:
    """A file per model, in their order; what the store does not hold is exported.

    All processes that export have ended at the end: what is timed afterwards runs alone.
    Raises ExportError.
    """
    paths = _BUILDERS[kind](models, params, workers, store)
    if precision == "fp32":
        return paths
    return converted.build(models, paths, kind, precision, workers, store)
