"""Stage `export`: every trained member becomes model files that say how to use it.

An fp32 file counts only when its runtime computes from it what PyTorch computes from the weights;
one of a lower precision, made of that file, when it is about as accurate on the hold-out images.
"""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import torch
from torch import nn

from edge import __version__
from edge.errors import EdgeError
from edge.family import Artifact, Manifest, Member
from edge.files import sha256_of, write_atomic
from edge.spec import Architecture
from edge.text import fill
from models.network import network
from pipeline import dataset, gate, metrics, store
from pipeline.batches import Images
from pipeline.card import confusion_path
from pipeline.confusion import confusion, to_csv
from pipeline.dataset import Dataset
from pipeline.exporter import INPUT_NAME
from pipeline.formats import FileFormat, files_of
from pipeline.members import TRAINED_FILE, TrainedMember, read_trained
from pipeline.params import ExportParams, Params
from pipeline.progress import Progress
from pipeline.sections.target import Precision

FOLDER = Path("results/export")


class WeightsError(EdgeError, ValueError):
    """Weights that are missing or belong to another network."""


class ParityError(EdgeError, ArithmeticError):
    """A file that does not compute what its network computes."""


def run(params: Params, root: Path = Path()) -> None:
    """Write the model files of every trained member, ``family.json`` and the metrics.

    Everything is read and written below `root`. There is a file per format and precision that
    `targets` or `export.precisions` ask for; the same members give the same bytes. Which files
    are rejected is said and noted. Raises MembersError, WeightsError, ExportError, or ParityError.
    """
    data = dataset.load(root / dataset.DATASET_FILE)
    trained = read_trained(root / TRAINED_FILE)
    kinds = files_of(params.targets, params.export.precisions)
    members = []
    with Progress("export", len(trained) * len(kinds)) as progress:
        for member in trained:
            net = load_network(member, (root / TRAINED_FILE).parent)
            artifacts: list[Artifact] = []
            for kind, precisions in kinds:
                artifacts += _export(member, net, kind, precisions, data, params, root)
                progress.advance(f"{member.name}.{kind.name}")
            counts = confusion(net, Images.test(data), len(data.classes))
            write_atomic(root / FOLDER / confusion_path(member.name), to_csv(counts, data.classes))
            members.append(_exported(member, artifacts))
    manifest = Manifest(
        dataset=params.data.title,
        classes=data.classes,
        input_shape=data.input_shape,
        mean=tuple(data.mean.tolist()),
        std=tuple(data.std.tolist()),
        members=tuple(members),
        licence=params.export.licence,
    )
    manifest.write(root / FOLDER)
    metrics.write("export", summarise(members), root)
    _tell(members)


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
    """The numbers of the stage; accuracies are shares, sizes bytes, and what a precision costs is
    that of the member that it costs most."""
    pairs = [(member, artifact) for member in members for artifact in member.artifacts]
    originals = [(m, a) for m, a in pairs if a.precision == "fp32"]
    differences = [abs((a.test_accuracy or 0.0) - m.test_accuracy) for m, a in originals]
    return {
        "members": len(members),
        "max_relative_error": max((a.max_relative_error or 0.0 for _, a in originals), default=0.0),
        "max_test_accuracy_difference": max(differences, default=0.0),
        "smallest_bytes": min((a.size_bytes for _, a in pairs), default=0),
        "largest_bytes": max((a.size_bytes for _, a in pairs), default=0),
        **_lower(pairs),
    }


def _lower(pairs: Sequence[tuple[Member, Artifact]]) -> dict[str, float]:
    """Of every other kind of file than fp32: how many were rejected, the largest drop of hold-out
    accuracy, and the largest size over that of the fp32 file."""
    found: dict[str, float] = {}
    for member, artifact in pairs:
        original = gate.original_of(artifact, member.artifacts)
        if artifact.precision == "fp32" or original is None:
            continue
        name = f"{artifact.precision}_{artifact.format}"
        figures = {
            "max_drop_points": gate.drop_points(artifact, original) or 0.0,
            "max_size_ratio": artifact.size_bytes / original.size_bytes,
        }
        for figure, value in figures.items():
            key = f"{name}_{figure}"
            found[key] = max(value, found.get(key, value))
        rejected = int(artifact.status == "rejected")
        found[f"{name}_rejected"] = found.get(f"{name}_rejected", 0) + rejected
    return found


def _tell(members: Sequence[Member]) -> None:
    for member in members:
        for artifact in member.artifacts:
            original = gate.original_of(artifact, member.artifacts)
            if artifact.status == "rejected" and original is not None:
                told = gate.verdict(artifact, original)
                click.echo(fill(f"{member.name}: rejected: {told}", indent=2), err=True)


def _export(
    member: TrainedMember,
    net: nn.Module,
    kind: FileFormat,
    precisions: Sequence[Precision],
    data: Dataset,
    params: Params,
    root: Path,
) -> list[Artifact]:
    about = describe(data, params.data.title, kind, member.read_architecture())
    folder = root / FOLDER
    return export_model(member.name, net, kind, precisions, folder, data, params.export, about)


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
        confusion=confusion_path(member.name),
    )
