"""What the stages from `extract` on hand to each other: members as files a person can read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from edge.errors import EdgeError
from edge.files import write_atomic
from edge.spec import Architecture

ARCHITECTURES_FILE = Path("results/extract/architectures.json")
TRAINED_FILE = Path("results/retrain/members.json")


class MembersError(EdgeError, ValueError):
    """A list of members that is missing or cannot be read."""


class Member(BaseModel):
    """An architecture of the family, and why it is one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    architecture: dict[str, Any]
    origin: dict[str, Any]  # simplex point, kappa, how it was found, swaps of the repair
    budget_ms: float | None  # at the percentile of `verify`

    def read_architecture(self) -> Architecture:
        """Raises SpecError where `architecture` is none."""
        return Architecture.from_dict(self.architecture)


class ExtractedMember(Member):
    """A member that the search proposes."""

    predicted_ms: float  # median, with the interval of the calibration
    predicted_lo_ms: float
    predicted_hi_ms: float
    predicted_tail_ms: float  # upper bound of the percentile
    shared_cross_entropy: float  # in the supernet, BatchNorm re-estimated, on the hold-out
    shared_accuracy: float


class TrainedMember(Member):
    """A member trained from scratch. The hold-out ranks, the test set reports."""

    holdout_accuracy: float
    test_accuracy: float
    macs: int
    parameters: int
    weights: str  # file of the state dict, relative to the list
    cpu_s: float  # spent on its training, whenever that was


AnyMember = TypeVar("AnyMember", bound=Member)


def write(path: Path, members: Sequence[Member]) -> None:
    """Write a list of members as JSON."""
    rows = [member.model_dump(mode="json") for member in members]
    write_atomic(path, json.dumps({"members": rows}, indent=1) + "\n")


def read_extracted(path: Path = ARCHITECTURES_FILE) -> list[ExtractedMember]:
    """Raises MembersError where the file is missing or malformed."""
    return _read(path, ExtractedMember, "extract")


def read_trained(path: Path = TRAINED_FILE) -> list[TrainedMember]:
    """Raises MembersError where the file is missing or malformed."""
    return _read(path, TrainedMember, "retrain")


def _read(path: Path, member: type[AnyMember], stage: str) -> list[AnyMember]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["members"]
        return [member.model_validate(row) for row in rows]
    except FileNotFoundError as error:
        raise MembersError(f"{path} does not exist; make it with: dvc repro {stage}") from error
    except (KeyError, TypeError, ValueError) as error:  # pydantic's is a ValueError
        raise MembersError(f"{path} is no list of members; dvc repro -sf {stage}") from error
