"""Two plain networks that every runtime runs: about 50 µs and a good 5 ms on one core of a PC."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

Size = Literal["small", "large"]
_SHAPES: Mapping[Size, tuple[int, int, int]] = {  # channels, convolutions, height and width
    "small": (16, 2, 16),
    "large": (64, 4, 64),
}


def export(size: Size, runtime: str, folder: Path) -> Path:
    """Write the network into `folder`, as a file that `runtime` reads."""
    from torch import manual_seed, nn

    from pipeline.onnx_export import export_onnx
    from pipeline.tflite_export import export_tflite

    manual_seed(0)
    channels, depth, side = _SHAPES[size]
    layers: list[nn.Module] = [nn.Conv2d(3, channels, 3, stride=2, padding=1), nn.ReLU()]
    for _ in range(depth):
        layers += [nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU()]
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))
    shape = (3, side, side)
    if runtime == "onnxruntime":
        export_onnx(network, shape, path := folder / f"{size}.onnx")
    else:
        export_tflite(network, shape, path := folder / f"{size}.tflite")
    return path
