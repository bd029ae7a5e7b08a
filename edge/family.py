"""A family of networks: the manifest that names its members, and its integrity.

``family.json`` lies beside the artifacts. Version history:

1. first version.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from edge.errors import EdgeError, first_problem
from edge.files import sha256_of, write_atomic
from edge.record import Target, Verdict
from edge.spec import Architecture

Format = Literal["onnx", "tflite"]

FORMAT_VERSION: Literal[1] = 1
MANIFEST_NAME = "family.json"
FORMATS: Mapping[str, Format] = {"onnxruntime": "onnx", "litert": "tflite"}  # what a runtime reads


class FamilyError(EdgeError, ValueError):
    """A family that cannot be read."""


class FamilyMissing(EdgeError, FileNotFoundError):
    """There is no family where one was expected."""


class IntegrityError(EdgeError, ValueError):
    """An artifact that is not the one the manifest describes."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Artifact(_Frozen):
    """A model file. `max_relative_error` is the parity with the network that was trained. One that
    is rejected, because it classifies too many hold-out images worse than its fp32 file, stays in
    the manifest with its figures, and is neither deployed nor chosen."""

    path: str  # relative to the manifest, with forward slashes
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(gt=0)
    format: Format
    precision: str
    status: Literal["ok", "rejected"] = "ok"
    holdout_accuracy: float | None = Field(default=None, ge=0, le=1)
    test_accuracy: float | None = Field(default=None, ge=0, le=1)
    max_relative_error: float | None = Field(default=None, ge=0)

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, path: str) -> str:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or "\\" in path or not pure.parts:
            raise ValueError("must be relative and stay inside the folder of the manifest")
        return path


class Latency(_Frozen):
    """A member measured on one target. The percentiles are upper bounds, None where too few
    runs were made to give one; `predicted` is what calibration said before the measurement."""

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

    @field_validator("measured_at")
    @classmethod
    def _is_a_moment(cls, text: str) -> str:
        read_moment(text)
        return text

    @property
    def moment(self) -> datetime:
        """When it was measured."""
        return read_moment(self.measured_at)

    def bound_ms(self, percentile: int) -> float | None:
        """The upper bound of percentile 90, 95 or 99."""
        return {90: self.p90_ms, 95: self.p95_ms, 99: self.p99_ms}[percentile]


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


class Manifest(_Frozen):
    """Everything an application must know to run the members and to choose among them."""

    version: Literal[1] = FORMAT_VERSION
    created: str | None = None  # ISO 8601, UTC; None before it was measured
    dataset: str
    classes: tuple[str, ...]
    input_shape: tuple[int, int, int]  # (C, H, W)
    mean: tuple[float, ...]  # per channel: the input is (pixel / 255 - mean) / std
    std: tuple[float, ...]
    members: tuple[Member, ...]

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

    def write(self, folder: Path) -> Path:
        """Write ``family.json`` into `folder`, and say where."""
        text = json.dumps(self.model_dump(mode="json"), indent=2, sort_keys=True)
        path = folder / MANIFEST_NAME
        write_atomic(path, text + "\n")
        return path


@dataclass(frozen=True)
class Family:
    """A manifest and the folder that its paths are relative to."""

    folder: Path
    manifest: Manifest

    @classmethod
    def load(cls, path: Path | str) -> Family:
        """Read a folder with a ``family.json``, or that file itself.

        Raises FamilyMissing, or FamilyError naming the field that is wrong.
        """
        file = Path(path)
        if file.suffix != ".json":
            file = file / MANIFEST_NAME
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise FamilyMissing(
                f"no family at {file}: make one with `dvc repro`, or name its folder with --family"
            ) from error
        except ValueError as error:
            raise FamilyError(f"{file} is not JSON: {error}") from error
        return cls(file.parent, _parse(data, file))

    def path(self, artifact: Artifact) -> Path:
        """Where the artifact lies on this machine."""
        return self.folder / artifact.path

    def verify(self) -> None:
        """Check the size and the sha256 of every deployed artifact. Raises IntegrityError for the
        first that differs or is missing."""
        for member in self.manifest.members:
            for artifact in member.deployed:
                self._verify(member, artifact)

    def _verify(self, member: Member, artifact: Artifact) -> None:
        path = self.path(artifact)
        what = f"{path} of member {member.name!r}"
        again = "copy the family again, or run `dvc repro`"
        if not path.is_file():
            raise IntegrityError(f"{what} is missing: {again}")
        size_bytes = path.stat().st_size
        if size_bytes != artifact.size_bytes:
            raise IntegrityError(
                f"{what} has {size_bytes} bytes instead of {artifact.size_bytes}: {again}"
            )
        found = sha256_of(path)
        if found != artifact.sha256:
            raise IntegrityError(
                f"{what} has sha256 {found[:12]}… instead of {artifact.sha256[:12]}…: {again}"
            )


def _for_target(artifacts: Iterable[Artifact], target: Target) -> Artifact | None:
    wanted = FORMATS.get(target.runtime), target.precision
    return next((a for a in artifacts if (a.format, a.precision) == wanted), None)


def _parse(data: object, file: Path) -> Manifest:
    version = data.get("version") if isinstance(data, Mapping) else None
    if version != FORMAT_VERSION:
        raise FamilyError(
            f"{file}: version {version!r} is not {FORMAT_VERSION}, the one this edgefacet reads: "
            "update edgefacet, or export the family again"
        )
    try:
        return Manifest.model_validate(data)
    except ValidationError as error:
        raise FamilyError(f"{file}: {first_problem(error, 'family')}") from error


def read_moment(text: str) -> datetime:
    """An ISO 8601 moment; without a zone it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
