"""The files of one network: written, compared with PyTorch, and judged by the hold-out images.

An fp32 file counts only when its runtime computes from it what PyTorch computes from the weights;
one of a lower precision, made of that file, when it is about as accurate on the hold-out images.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import nn

from edge import __version__
from edge.errors import EdgeError
from edge.family import Artifact
from edge.files import sha256_of
from edge.spec import Architecture
from pipeline import gate
from pipeline.batches import Images
from pipeline.dataset import Dataset
from pipeline.exporter import INPUT_NAME
from pipeline.formats import FileFormat
from pipeline.params import ExportParams
from pipeline.sections.target import Precision
from pipeline.trained import WeightsError


class ParityError(EdgeError, ArithmeticError):
    """A file that does not compute what its network computes."""


def export_model(
    name: str,
    net: nn.Module,
    kind: FileFormat,
    precisions: Sequence[Precision],
    folder: Path,
    data: Dataset,
    params: ExportParams,
    metadata: Mapping[str, str],
) -> list[Artifact]:
    """Write the files of `net` in `precisions`, fp32 first, into `folder`, and judge them.

    Raises ExportError, WeightsError where the logits of `net` are no numbers, or ParityError where
    a logit that the fp32 file gives for a hold-out image differs by more than the tolerance.
    """
    artifacts: list[Artifact] = []
    source = folder / kind.file_name(name, "fp32")
    calibration, _ = Images.part(data, data.weights[: params.calibration_images]).take(slice(None))
    for precision in precisions:
        path = folder / kind.file_name(name, precision)
        facts = {**metadata, "precision": precision}
        if precision == "fp32":
            kind.write(net, data.input_shape, path, params, facts)
        else:
            kind.converters[precision](source, path, kind.inputs(calibration), facts)
        found = _artifact(net, kind, precision, path, data, params)
        if precision == "fp32":
            if found.max_relative_error is None:
                _require_numbers(name, net, Images.part(data, data.holdout[: params.parity_images]))
            _require_parity(name, path, found.max_relative_error, params.tolerance)
        else:
            found = gate.judge(found, artifacts[0], params.max_drop_points)
        artifacts.append(found)
    return artifacts


def _artifact(
    net: nn.Module,
    kind: FileFormat,
    precision: Precision,
    path: Path,
    data: Dataset,
    params: ExportParams,
) -> Artifact:
    error = parity(net, kind, path, Images.part(data, data.holdout[: params.parity_images]))
    return Artifact(
        path=path.name,
        sha256=sha256_of(path),
        size_bytes=path.stat().st_size,
        format=kind.name,
        precision=precision,
        holdout_accuracy=file_accuracy(kind, path, Images.part(data, data.holdout)),
        test_accuracy=file_accuracy(kind, path, Images.test(data)),
        max_relative_error=error if math.isfinite(error) else None,
    )


@torch.no_grad()
def _require_numbers(name: str, net: nn.Module, images: Images) -> None:
    x, _ = images.take(slice(None))
    if not net.eval()(x).isfinite().all():
        raise WeightsError(
            f"member {name!r}: the logits of its trained weights are no numbers: its training "
            "diverged; lower retrain.lr and run: dvc repro"
        )


def _require_parity(name: str, path: Path, error: float | None, tolerance: float) -> None:
    if error is None or error > tolerance:  # None: the logits are no numbers
        error = math.nan if error is None else error
        raise ParityError(
            f"member {name!r}: the logits of {path} differ from PyTorch's by {error:.1e} of the "
            f"largest one, more than export.tolerance = {tolerance:g}: the exporter "
            "changed the network; compare their versions before raising the tolerance"
        )


@torch.no_grad()
def parity(net: nn.Module, kind: FileFormat, path: Path, images: Images) -> float:
    """The largest difference of a logit between file and network, over the largest logit."""
    x, _ = images.take(slice(None))
    expected = net.eval()(x)
    return float((kind.logits(path, images) - expected).abs().max() / expected.abs().max())


def file_accuracy(kind: FileFormat, path: Path, images: Images) -> float:
    """Share of `images` that the model file classifies correctly."""
    right = kind.logits(path, images).argmax(1) == images.labels
    return int(right.sum()) / len(images)


def describe(
    data: Dataset, name: str, kind: FileFormat, architecture: Architecture | None = None
) -> dict[str, str]:
    """What a model file says about itself: text, JSON where it is more than a word."""
    input_spec = {
        "name": INPUT_NAME,
        "shape": kind.shape(data.input_shape),
        "layout": kind.layout,
        "dtype": "float32",
    }
    normalisation = {
        "formula": "(pixel / 255 - mean) / std",
        "mean": data.mean.tolist(),
        "std": data.std.tolist(),
    }
    facts = {
        "input": json.dumps(input_spec),
        "normalisation": json.dumps(normalisation),
        "labels": json.dumps(list(data.classes)),
        "dataset": name,
        "edgefacet_version": __version__,
    }
    if architecture is not None:
        facts["architecture"] = json.dumps(architecture.to_dict())
    return facts
