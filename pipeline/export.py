"""Stage `export`: every trained member becomes model files that say how to use it.

DVC deletes what the stage wrote before it runs it, so that every finished format of a member is
kept in the store, too: a killed export goes on, and a further member makes no file of the others.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from edge import runtimes
from edge.family import Artifact, Manifest, Member
from edge.files import sha256_of, write_atomic
from models import network as networks
from pipeline import (
    batches,
    dataset,
    exporter,
    formats,
    gate,
    metrics,
    model_files,
    onnx_compact,
    onnx_export,
    quantize_onnx,
    quantize_tflite,
    store,
    tflite_export,
)
from pipeline.batches import Images
from pipeline.card import confusion_path
from pipeline.confusion import confusion, to_csv
from pipeline.dataset import Dataset
from pipeline.export_summary import summarise, tell
from pipeline.formats import FileFormat, files_of
from pipeline.members import TRAINED_FILE, TrainedMember, read_trained
from pipeline.model_files import describe, export_model
from pipeline.params import Params
from pipeline.progress import Progress
from pipeline.sections.target import Precision
from pipeline.source_code import BLOCKS, made_by
from pipeline.trained import load_network

FOLDER = Path("results/export")
# That makes and judges model files.
CODE = (
    *(*BLOCKS, networks, batches, dataset, model_files, formats, gate),
    *(exporter, onnx_export, onnx_compact, quantize_onnx, quantize_tflite, tflite_export, runtimes),
)
_JUDGED = "artifacts.json"  # in a folder of the store: written last, so that it is whole


def run(params: Params, root: Path = Path()) -> None:
    """Write the model files of every trained member, ``family.json`` and the metrics.

    Everything is read and written below `root`. There is a file per format and precision that
    `targets` or `export.precisions` ask for; the same members give the same bytes. Which files
    are rejected is said and noted. Raises MembersError, WeightsError, ExportError, or ParityError.
    """
    data = dataset.load(root / dataset.DATASET_FILE)
    with store.locked("export", root / store.STORE):
        members = _export_all(data, params, root)
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
    tell(members)


def _export_all(data: Dataset, params: Params, root: Path) -> list[Member]:
    trained = read_trained(root / TRAINED_FILE)
    kinds = files_of(params.targets, params.export.precisions)
    data_sha256 = sha256_of(root / dataset.DATASET_FILE)
    members = []
    with Progress("export", len(trained) * len(kinds)) as progress:
        for member in trained:
            net = load_network(member, (root / TRAINED_FILE).parent)
            artifacts: list[Artifact] = []
            for kind, precisions in kinds:
                task = Task(member, kind, tuple(precisions), params, data_sha256, root)
                artifacts += task.artifacts(net, data)
                progress.advance(f"{member.name}.{kind.name}")
            counts = confusion(net, Images.test(data), len(data.classes))
            write_atomic(root / FOLDER / confusion_path(member.name), to_csv(counts, data.classes))
            members.append(_exported(member, artifacts))
    return members


@dataclass(frozen=True)
class Task:
    """The files of one member in one format, in `precisions`, fp32 first."""

    member: TrainedMember
    kind: FileFormat
    precisions: tuple[Precision, ...]
    params: Params
    data_sha256: str
    root: Path

    def artifacts(self, net: nn.Module, data: Dataset) -> list[Artifact]:
        """Write the files of the member, which is `net`, or take them from the store; see
        `export_model`."""
        about = describe(data, self.params.data.title, self.kind, self.member.read_architecture())
        kept = store.place("export", self._key(about), "", self.root / store.STORE)
        if not (kept / _JUDGED).exists():
            shutil.rmtree(kept, ignore_errors=True)  # what a kill left
            made = export_model(
                *(self.member.name, net, self.kind, self.precisions, kept, data),
                *(self.params.export, about),
            )
            rows = [artifact.model_dump(mode="json") for artifact in made]
            write_atomic(kept / _JUDGED, json.dumps(rows, indent=1) + "\n")
        rows = json.loads((kept / _JUDGED).read_text(encoding="utf-8"))
        found = [Artifact.model_validate(row) for row in rows]
        (self.root / FOLDER).mkdir(parents=True, exist_ok=True)
        for artifact in found:
            shutil.copyfile(kept / artifact.path, self.root / FOLDER / artifact.path)
        return found

    def _key(self, about: dict[str, str]) -> str:
        """Everything that the files and what is said of them depend on."""
        return store.content_key(
            *(self.member.name, about, self.kind.name, self.precisions),
            sha256_of((self.root / TRAINED_FILE).parent / self.member.weights),
            self.params.export.model_dump(mode="json", exclude={"precisions", "licence"}),
            self.data_sha256,
            *made_by(CODE, self.kind.packages),
        )


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
