"""``family.json``: everything an application must know to run the members and to choose among them.

Version history:

1. first version.
2. licence, provenance, model cards, confusions, and bounds at other confidences than 95 %.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from edge.errors import EdgeError, first_problem
from edge.files import write_atomic
from edge.record import Target, Verdict
from edge.spec import Architecture

Format = Literal["onnx", "tflite"]

FORMAT_VERSION: Literal[2] = 2
MANIFEST_NAME = "family.json"
CONFIDENCE = 0.95  # of the bounds that every latency has
FORMATS: Mapping[str, Format] = {"onnxruntime": "onnx", "litert": "tflite"}  # what a runtime reads


class FamilyError(EdgeError, ValueError):
    """A family that cannot be read."""


class UnknownVersion(FamilyError):
    """A manifest in a format that this edgefacet does not know."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _stays_inside(path: str) -> str:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\\" in path or not pure.parts:
        raise ValueError("must be relative and stay inside the folder of the manifest")
    return path


_Inside = Annotated[str, AfterValidator(_stays_inside)]  # relative to the manifest, forward slashes


class Artifact(_Frozen):
    """A model file. `max_relative_error` is the parity with the network that was trained. One that
    is rejected, because it classifies too many hold-out images worse than its fp32 file, stays in
    the manifest with its figures, and is neither deployed nor chosen."""

    path: _Inside
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(gt=0)
    format: Format
    precision: str
    status: Literal["ok", "rejected"] = "ok"
    holdout_accuracy: float | None = Field(default=None, ge=0, le=1)
    test_accuracy: float | None = Field(default=None, ge=0, le=1)
    max_relative_error: float | None = Field(default=None, ge=0)


class Bounds(_Frozen):
    """Upper bounds of the percentiles that hold with `confidence`; None where the runs were too
    few to say."""

    confidence: float = Field(gt=0, lt=1)
    p90_ms: float | None = Field(default=None, gt=0)
    p95_ms: float | None = Field(default=None, gt=0)
    p99_ms: float | None = Field(default=None, gt=0)


class Latency(_Frozen):
    """A member measured on one target. The percentiles are upper bounds at a confidence of 95 %,
    None where too few runs were made to give one, and `bounds` the same at other confidences;
    `predicted` is what calibration said before the measurement."""

    target: Target
    median_ms: float = Field(gt=0)
    lo_ms: float = Field(gt=0)
    hi_ms: float = Field(gt=0)
    p90_ms: float | None = Field(default=None, gt=0)
    p95_ms: float | None = Field(default=None, gt=0)
    p99_ms: float | None = Field(default=None, gt=0)
    n: int = Field(ge=1)
    verdict: Verdict
    measured_at: str  # ISO 8601, UTC
    predicted_ms: float | None = None
    predicted_lo_ms: float | None = None
    predicted_hi_ms: float | None = None
    peak_memory_bytes: int | None = Field(default=None, ge=0)
    bounds: tuple[Bounds, ...] = ()

    @field_validator("measured_at")
    @classmethod
    def _is_a_moment(cls, text: str) -> str:
        read_moment(text)
        return text

    @property
    def confidence(self) -> float:
        """Of the bounds that it has itself."""
        return CONFIDENCE

    @property
    def moment(self) -> datetime:
        """When it was measured."""
        return read_moment(self.measured_at)

    def bound_ms(self, percentile: int, confidence: float = CONFIDENCE) -> float | None:
        """The upper bound of percentile 90, 95 or 99; None where it is not known at `confidence`,
        nor at a higher one."""
        known: tuple[Latency | Bounds, ...] = (self, *self.bounds)
        enough = [bounds for bounds in known if bounds.confidence >= confidence]
        if not enough:
            return None
        least = min(enough, key=lambda bounds: bounds.confidence)
        return {90: least.p90_ms, 95: least.p95_ms, 99: least.p99_ms}[percentile]


class Member(_Frozen):
    """A network of the family. `origin` says where it came from, for people to read."""

    name: str = Field(min_length=1)
    architecture: dict[str, Any]
    origin: dict[str, Any] = Field(default_factory=dict)
    holdout_accuracy: float = Field(ge=0, le=1)
    test_accuracy: float = Field(ge=0, le=1)
    macs: int = Field(ge=0)
    parameters: int = Field(ge=0)
    artifacts: tuple[Artifact, ...] = ()
    latencies: tuple[Latency, ...] = ()
    budget_ms: float | None = Field(default=None, gt=0)
    budget_met: bool | None = None
    card: _Inside | None = None  # its model card, Markdown
    confusion: _Inside | None = None  # CSV: test images of a class (rows) taken for one (columns)

    def read_architecture(self) -> Architecture:
        """Raises SpecError where the manifest holds something else."""
        return Architecture.from_dict(self.architecture)

    @property
    def deployed(self) -> tuple[Artifact, ...]:
        """The model files but for the rejected ones."""
        return tuple(artifact for artifact in self.artifacts if artifact.status == "ok")

    def artifact(self, target: Target) -> Artifact | None:
        """The deployed file in the format of the target's runtime and of its precision, if any."""
        return _for_target(self.deployed, target)

    def deployed_for(self, target: Target) -> Artifact:
        """That file. Raises FamilyError where there is none."""
        found = self.artifact(target)
        if found is None:
            raise FamilyError(
                f"member {self.name!r} has no {target.precision} file for {target.runtime} to run: "
                "export the family again"
            )
        return found

    @property
    def files(self) -> tuple[str, ...]:
        """Every path of it that is deployed, its model files first."""
        pages = filter(None, (self.card, self.confusion))
        return (*(artifact.path for artifact in self.deployed), *pages)

    def rejected(self, target: Target) -> Artifact | None:
        """The file that would serve `target` but was rejected, if there is one."""
        found = _for_target(self.artifacts, target)
        return found if found and found.status == "rejected" else None

    def on(self, target: Target) -> Member:
        """The member with the accuracies of the file that runs on `target`, as far as they are
        known: int8 is a little less accurate than what was trained."""
        file = self.artifact(target)
        figures = (file.holdout_accuracy, file.test_accuracy) if file else (None, None)
        named = zip(("holdout_accuracy", "test_accuracy"), figures, strict=True)
        return self.model_copy(update={name: x for name, x in named if x is not None})

    def latency(self, target: Target) -> Latency | None:
        """The last measurement on `target` that is not invalid, if there is one."""
        valid = [m for m in self.latencies if m.target == target and m.verdict != "invalid"]
        return max(valid, key=lambda m: m.moment, default=None)

    def last(self, target: Target) -> Latency | None:
        """The last measurement on `target`, valid or not."""
        found = [m for m in self.latencies if m.target == target]
        return max(found, key=lambda m: m.moment, default=None)


class Provenance(_Frozen):
    """What the family was made of, as far as it is known."""

    commit: str | None = None  # of the working tree, marked where files differed from it
    params_sha256: str | None = None
    data_sha256: str | None = None
    edgefacet: str | None = None  # the version that made it


class Manifest(_Frozen):
    """A family of networks that classify the same images."""

    version: Literal[2] = FORMAT_VERSION
    created: str | None = None  # ISO 8601, UTC; None before it was measured
    dataset: str
    classes: tuple[str, ...]  # the labels, in the order of a network's outputs
    input_shape: tuple[int, int, int]  # (C, H, W): 1 channel is grey (BT.601), 3 are RGB
    mean: tuple[float, ...]  # per channel: the input is (pixel / 255 - mean) / std
    std: tuple[float, ...]
    members: tuple[Member, ...]
    licence: str | None = None  # of the model files, an SPDX identifier
    provenance: Provenance | None = None

    @field_validator("members")
    @classmethod
    def _names_differ(cls, members: tuple[Member, ...]) -> tuple[Member, ...]:
        names = [member.name for member in members]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two members are called {twice[0]!r}")
        return members

    @property
    def targets(self) -> tuple[Target, ...]:
        """What the members were measured on, ordered by device, then by runtime."""
        targets = {latency.target for member in self.members for latency in member.latencies}
        return tuple(sorted(targets, key=str))

    def member(self, name: str) -> Member:
        """Raises FamilyError, which names the members there are."""
        for member in self.members:
            if member.name == name:
                return member
        names = ", ".join(member.name for member in self.members)
        raise FamilyError(f"no member {name!r} in the family; there are: {names}")

    @property
    def text(self) -> str:
        """The content of ``family.json``: the same manifest gives the same text."""
        return json.dumps(self.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"

    def write(self, folder: Path) -> Path:
        """Write ``family.json`` into `folder`, and say where."""
        path = folder / MANIFEST_NAME
        write_atomic(path, self.text)
        return path


def _for_target(artifacts: Iterable[Artifact], target: Target) -> Artifact | None:
    wanted = FORMATS.get(target.runtime), target.precision
    return next((a for a in artifacts if (a.format, a.precision) == wanted), None)


def parse(data: object, where: str) -> Manifest:
    """The manifest in JSON `data`, of any version there was. Raises UnknownVersion, or FamilyError
    with the field that is wrong; both say `where`."""
    version = data.get("version") if isinstance(data, dict) else None
    if version not in (*_UPGRADES, FORMAT_VERSION) or not isinstance(data, dict):
        raise UnknownVersion(
            f"{where}: version {version!r} is none of those that this edgefacet reads, 1 to "
            f"{FORMAT_VERSION}: update edgefacet, or export the family again"
        )
    while (version := data["version"]) in _UPGRADES:
        data = _UPGRADES[version](data)
    try:
        return Manifest.model_validate(data)
    except ValidationError as error:
        raise FamilyError(f"{where}: {first_problem(error, 'family')}") from error


def _to_2(data: Mapping[str, Any]) -> dict[str, Any]:
    """What is new may be left out, and what there was means what it meant."""
    return {**data, "version": 2}


_UPGRADES: Mapping[object, Callable[[Mapping[str, Any]], dict[str, Any]]] = {1: _to_2}


def read_moment(text: str) -> datetime:
    """An ISO 8601 moment; without a zone it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
