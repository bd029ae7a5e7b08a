"""Stage `export`: every trained member becomes model files that say how to use it.

A file counts only when its runtime computes from it what PyTorch computes from the weights.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from edge import __version__
from edge.errors import EdgeError
from edge.family import Artifact, Manifest, Member
from edge.files import sha256_of
from edge.spec import Architecture
from models.network import network
from pipeline import dataset, metrics, store
from pipeline.batches import Images
from pipeline.dataset import Dataset
from pipeline.exporter import INPUT_NAME
from pipeline.formats import FileFormat, formats_of
from pipeline.members import TRAINED_FILE, TrainedMember, read_trained
from pipeline.params import ExportParams, Params
from pipeline.progress import Progress

FOLDER = Path("results/export")
PRECISION = "fp32"


class WeightsError(EdgeError, ValueError):
    """Weights that are missing or belong to another network."""


class ParityError(EdgeError, ArithmeticError):
    """A file that does not compute what its network computes."""


def run(params: Params, root: Path = Path()) -> None:
    """Write the model files of every trained member, ``family.json`` and the metrics.

    Everything is read and written below `root`. There is a file per format that `targets` need;
    the same members give the same bytes. Raises MembersError, WeightsError, ExportError, or
    ParityError.
    """
    data = dataset.load(root / dataset.DATASET_FILE)
    trained = read_trained(root / TRAINED_FILE)
    kinds = formats_of(params.targets)
    members = []
    with Progress("export", len(trained) * len(kinds)) as progress:
        for member in trained:
            net = load_network(member, (root / TRAINED_FILE).parent)
            artifacts = []
            for kind in kinds:
                artifacts.append(_export(member, net, kind, data, params, root))
                progress.advance(artifacts[-1].path)
            members.append(_exported(member, artifacts))
    manifest = Manifest(
        dataset=params.data.title,
        classes=data.classes,
        input_shape=data.input_shape,
        mean=tuple(data.mean.tolist()),
        std=tuple(data.std.tolist()),
        members=tuple(members),
    )
    manifest.write(root / FOLDER)
    metrics.write("export", summarise(members), root)


def export_model(
    name: str,
    net: nn.Module,
    kind: FileFormat,
    folder: Path,
    data: Dataset,
    params: ExportParams,
    metadata: dict[str, str],
) -> Artifact:
    """Write the file of `net` into `folder`, compare it with `net`, and judge it.

    Raises ExportError, or ParityError where a logit of a hold-out image differs by more than
    the tolerance.
    """
    path = folder / f"{name}.{kind.name}"
    kind.write(net, data.input_shape, path, params, metadata)
    error = parity(net, kind, path, Images.part(data, data.holdout[: params.parity_images]))
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
        format=kind.name,
        precision=PRECISION,
        test_accuracy=file_accuracy(kind, path, Images.test(data)),
        max_relative_error=error,
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


def load_network(member: TrainedMember, folder: Path) -> nn.Module:
    """The member with its trained weights, which lie below `folder`. Raises WeightsError."""
    net = network(member.read_architecture())
    path = folder / member.weights
    again = "train it again: dvc repro -sf retrain"
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


def _export(
    member: TrainedMember,
    net: nn.Module,
    kind: FileFormat,
    data: Dataset,
    params: Params,
    root: Path,
) -> Artifact:
    metadata = describe(data, params.data.title, kind, member.read_architecture())
    return export_model(member.name, net, kind, root / FOLDER, data, params.export, metadata)


def _exported(member: TrainedMember, artifacts: Sequence[Artifact]) -> Member:
    return Member(
        name=member.name,
        architecture=member.architecture,
        origin=member.origin,
        holdout_accuracy=member.holdout_accuracy,
        test_accuracy=member.test_accuracy,
        macs=member.macs,
        parameters=member.parameters,
        artifacts=tuple(artifacts),
        budget_ms=member.budget_ms,
    )
