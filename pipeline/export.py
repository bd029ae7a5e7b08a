"""Stage `export`: every trained member becomes a model file that says how to use it.

A file counts only when ONNX Runtime computes from it what PyTorch computes from the weights.
"""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import torch
from torch import Tensor, nn

from edge import __version__
from edge.errors import EdgeError
from edge.family import Artifact, Manifest, Member
from edge.files import sha256_of
from edge.runtimes import get_runtime
from edge.spec import Architecture
from models.network import network
from pipeline import dataset, metrics, store
from pipeline.batches import Images
from pipeline.dataset import Dataset
from pipeline.members import TRAINED_FILE, TrainedMember, read_trained
from pipeline.onnx_export import INPUT_NAME, export_onnx
from pipeline.params import ExportParams, Params
from pipeline.progress import Progress
from pipeline.training import EVALUATION_BATCH

FOLDER = Path("results/export")
PRECISION = "fp32"
RUNTIME = "onnxruntime"


class WeightsError(EdgeError, ValueError):
    """Weights that are missing or belong to another network."""


class ParityError(EdgeError, ArithmeticError):
    """A file that does not compute what its network computes."""


def run(params: Params, root: Path = Path()) -> None:
    """Write a model file per trained member, ``family.json`` and ``metrics.json`` below `root`.

    The same members give the same bytes. Raises MembersError, WeightsError, ExportError, or
    ParityError.
    """
    data = dataset.load(root / dataset.DATASET_FILE)
    trained = read_trained(root / TRAINED_FILE)
    members = []
    # One after the other: a further process would import the exporter for longer than it exports.
    with Progress("export", len(trained)) as progress:
        for member in trained:
            members.append(_export(member, data, params, root))
            progress.advance(member.name)
    manifest = Manifest(
        dataset=params.data.name,
        classes=data.classes,
        input_shape=data.input_shape,
        mean=tuple(data.mean.tolist()),
        std=tuple(data.std.tolist()),
        members=tuple(members),
    )
    manifest.write(root / FOLDER)
    metrics.write(root / FOLDER, summarise(members))


def export_model(
    name: str,
    net: nn.Module,
    folder: Path,
    data: Dataset,
    params: ExportParams,
    metadata: dict[str, str],
) -> Artifact:
    """Write ``<name>.onnx`` into `folder`, compare it with `net`, and judge it.

    Raises ExportError, or ParityError where a logit of a hold-out image differs by more than
    the tolerance.
    """
    path = folder / f"{name}.onnx"
    export_onnx(net, data.input_shape, path, opset=params.opset, metadata=metadata)
    error = parity(net, path, Images.part(data, data.holdout[: params.parity_images]))
    if not error <= params.tolerance:  # NaN is no parity either
        raise ParityError(
            f"member {name!r}: the logits of {path} differ from PyTorch's by {error:.1e} of the "
            f"largest one, more than export.tolerance = {params.tolerance:g}: the exporter "
            "changed the network; compare their versions before raising the tolerance"
        )
    return Artifact(
        path=path.name,
        sha256=sha256_of(path),
        size_bytes=path.stat().st_size,
        format="onnx",
        precision=PRECISION,
        test_accuracy=file_accuracy(path, Images.test(data)),
        max_relative_error=error,
    )


@torch.no_grad()
def parity(net: nn.Module, path: Path, images: Images) -> float:
    """The largest difference of a logit between file and network, over the largest logit."""
    x, _ = images.take(slice(None))
    expected: Tensor = net.eval()(x)
    return float((file_logits(path, images) - expected).abs().max() / expected.abs().max())


def file_accuracy(path: Path, images: Images) -> float:
    """Share of `images` that the model file classifies correctly."""
    right = file_logits(path, images).argmax(1) == images.labels
    return int(right.sum()) / len(images)


def file_logits(path: Path, images: Images) -> Tensor:
    """What the file makes of every image, (N, classes), one at a time as on the target."""
    session = get_runtime(RUNTIME).load(path, threads=1)
    rows = [
        torch.from_numpy(session.run({INPUT_NAME: image[None]})[0])
        for x, _ in images.in_order(EVALUATION_BATCH)
        for image in x.contiguous().numpy()
    ]
    return torch.cat(rows)


def describe(data: Dataset, name: str, architecture: Architecture | None = None) -> dict[str, str]:
    """What a model file says about itself: text, JSON where it is more than a word."""
    input_spec = {
        "name": INPUT_NAME,
        "shape": [1, *data.input_shape],
        "layout": "NCHW",
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


def load_network(member: TrainedMember, folder: Path) -> nn.Module:
    """The member with its trained weights, which lie below `folder`. Raises WeightsError."""
    net = network(member.read_architecture())
    path = folder / member.weights
    again = "train it again: dvc repro -f retrain"
    try:
        state = store.load(path)
        if state is None:
            raise WeightsError(f"{path}, of member {member.name!r}, does not exist; {again}")
        net.load_state_dict(state)
    except (RuntimeError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path} does not fit member {member.name!r}; {again}") from error
    return net.eval()


def summarise(members: list[Member]) -> dict[str, float]:
    """The numbers of the stage; accuracies are shares, sizes bytes."""
    pairs = [(member, artifact) for member in members for artifact in member.artifacts]
    differences = [abs((a.test_accuracy or 0.0) - m.test_accuracy) for m, a in pairs]
    return {
        "members": len(members),
        "max_relative_error": max((a.max_relative_error or 0.0 for _, a in pairs), default=0.0),
        "max_test_accuracy_difference": max(differences, default=0.0),
        "smallest_bytes": min((a.size_bytes for _, a in pairs), default=0),
        "largest_bytes": max((a.size_bytes for _, a in pairs), default=0),
    }


def _export(member: TrainedMember, data: Dataset, params: Params, root: Path) -> Member:
    architecture = member.read_architecture()
    net = load_network(member, (root / TRAINED_FILE).parent)
    metadata = describe(data, params.data.name, architecture)
    artifact = export_model(member.name, net, root / FOLDER, data, params.export, metadata)
    return Member(
        name=member.name,
        architecture=member.architecture,
        origin=member.origin,
        holdout_accuracy=member.holdout_accuracy,
        test_accuracy=member.test_accuracy,
        macs=member.macs,
        parameters=member.parameters,
        artifacts=(artifact,),
        budget_ms=member.budget_ms,
    )
