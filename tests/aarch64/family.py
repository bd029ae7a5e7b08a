"""A family of one member that every runtime can read."""

from __future__ import annotations

import shutil
from pathlib import Path

from edge.family import Family, Manifest
from edge.files import sha256_of
from tests.edge import onnx_models
from tests.edge.feedback.made_up import network

_TFLITE = Path(__file__).parents[1] / "edge/data/conv.tflite"


def write_family(folder: Path) -> Family:
    """Member m in `folder`, as ONNX and TFLite. Its architecture is another one: nothing here
    looks at what a model computes."""
    folder.mkdir()
    files = [onnx_models.write(folder / "m.onnx"), folder / "m.tflite"]
    shutil.copy(_TFLITE, files[1])
    artifacts = [
        {
            "path": path.name,
            "sha256": sha256_of(path),
            "size_bytes": path.stat().st_size,
            "format": path.suffix[1:],
            "precision": "fp32",
        }
        for path in files
    ]
    member = {
        "name": "m",
        "architecture": network("conv_k3").to_dict(),
        "holdout_accuracy": 0.8,
        "test_accuracy": 0.8,
        "macs": 1,
        "parameters": 1,
        "artifacts": artifacts,
    }
    manifest = Manifest.model_validate(
        {
            "dataset": "d", "classes": ["a"], "input_shape": [4, 8, 8], "mean": [0], "std": [1],
            "members": [member],
        }
    )  # fmt: skip
    manifest.write(folder)
    return Family(folder, manifest)
