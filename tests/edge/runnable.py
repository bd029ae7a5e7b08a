"""A family that runs: four classes, which are the four pixels of a grey image of 2 x 2."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edge.device import describe
from edge.family import Family, Manifest
from edge.files import sha256_of
from edge.here import installed
from edge.record import Target
from edge.sensors import power_mode
from tests.edge import onnx_models

ABS8 = Path(__file__).parent / "data/abs8.tflite"
PROVIDERS = {"onnxruntime": "CPUExecutionProvider", "litert": "XNNPACK"}
PRECISIONS = {"onnxruntime": "fp32", "litert": "int8"}
LABELS = ["top left", "top right", "bottom left", "bottom right"]
MEMBERS = {"small": (0.8, 1.0), "large": (0.9, 4.0)}  # hold-out accuracy, p95 in ms


def here(runtime: str = "onnxruntime", **changes: Any) -> Target:
    """This machine as a target."""
    return Target(
        device=describe().fingerprint,
        runtime=runtime,
        runtime_version=installed(runtime) or "1",
        provider=PROVIDERS[runtime],
        precision=PRECISIONS[runtime],
        threads=1,
        power_mode=power_mode(),
    ).model_copy(update=changes)


def write_files(folder: Path) -> list[dict[str, Any]]:
    """An ONNX file of a member, fp32, and a TFLite one, int8, whose logits differ: |x| tenfold."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for name in MEMBERS:
        onnx_models.classifier(folder / f"{name}.onnx")
        shutil.copyfile(ABS8, folder / f"{name}.tflite")
        for runtime, suffix in (("onnxruntime", "onnx"), ("litert", "tflite")):
            path = folder / f"{name}.{suffix}"
            found.append(
                {
                    "path": path.name,
                    "sha256": sha256_of(path),
                    "size_bytes": path.stat().st_size,
                    "format": suffix,
                    "precision": PRECISIONS[runtime],
                }
            )
    return found


def latency(target: Target, p95_ms: float, **changes: Any) -> dict[str, Any]:
    fields = {
        "target": target.model_dump(),
        "median_ms": p95_ms / 2,
        "lo_ms": p95_ms / 2,
        "hi_ms": p95_ms / 2,
        "p95_ms": p95_ms,
        "n": 500,
        "verdict": "clean",
        "measured_at": datetime.now(timezone.utc).isoformat(),
    }
    return {**fields, **changes}


def manifest(folder: Path, targets: Mapping[str, Target]) -> dict[str, Any]:
    """Of the files in `folder`, measured on `targets`, by runtime: LiteRT is twice as fast."""
    files = write_files(folder)
    members = [
        {
            "name": name,
            "architecture": {},
            "holdout_accuracy": accuracy,
            "test_accuracy": accuracy,
            "macs": 1,
            "parameters": 1,
            "artifacts": [file for file in files if file["path"].startswith(name)],
            "latencies": [
                latency(target, p95_ms / (2 if runtime == "litert" else 1))
                for runtime, target in targets.items()
            ],
        }
        for name, (accuracy, p95_ms) in MEMBERS.items()
    ]
    return {
        "version": 2,
        "created": "2026-11-01T00:00:00+00:00",
        "dataset": "pixels",
        "classes": LABELS,
        "input_shape": [1, 2, 2],
        "mean": [0.0],
        "std": [1.0],
        "members": members,
    }


def family(folder: Path, *runtimes: str) -> Family:
    """The family in `folder`, measured here with `runtimes`."""
    data = manifest(folder, {name: here(name) for name in runtimes or ("onnxruntime",)})
    Manifest.model_validate(data).write(folder)
    return Family.load(folder)
