"""What comes back from a board by hand: the records of an order, and what could not be measured.

``report-….jsonl`` holds records as `edge.record` reads them. Beside it lies
``report-….failures.json`` where models of the order failed; version history of that:

1. first version.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from edge import record
from edge.bench import Failure, FailureKind
from edge.errors import EdgeError, first_problem
from edge.files import write_atomic
from edge.orders import FailedModel, Order, Sha256
from edge.record import Measurement, Subject
from edge.session import Result
from edge.text import printable

FORMAT_VERSION: Literal[1] = 1
MAX_DETAIL_CHARACTERS = 2000
_KINDS: Mapping[str, FailureKind] = {
    "crash": "crash",
    "oom": "oom",
    "timeout": "timeout",
    "rejected": "rejected",
    "gone": "rejected",  # its file did not reach the board
    "altered": "rejected",
}


class ReportError(EdgeError, ValueError):
    """A list of failures that cannot be read."""


class Failures(BaseModel):
    """What of an order could not be measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = FORMAT_VERSION
    order: Sha256
    failures: tuple[FailedModel, ...]


@dataclass(frozen=True)
class ReportFile:
    """The report at `path`, and the files that lie beside it."""

    path: Path

    @classmethod
    def of(cls, order: Order, folder: Path = Path()) -> ReportFile:
        """Where the report of `order` belongs: its name tells which one it answers."""
        return cls(folder / f"report-{order.id[:12]}.jsonl")

    @property
    def failures_path(self) -> Path:
        """Is there only where a model failed."""
        return self.path.with_suffix(".failures.json")

    @property
    def journal(self) -> Path:
        """What `edge.carry_out` keeps while it measures."""
        return self.path.with_suffix(".journal")

    @property
    def lock(self) -> Path:
        """Is there while an order is carried out for this report."""
        return self.path.with_suffix(".lock")

    def prepare(self) -> None:
        """Find out before hours of work what would spoil their report.

        Raises OSError where the folder cannot be written, RecordError where another file lies
        at `path`.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=self.path.parent).close()
        self.records()

    def records(self) -> list[Measurement]:
        """The records that are there; none where there is no report yet. Raises RecordError."""
        return record.read(self.path) if self.path.exists() else []

    def write(self, order: Order, results: Sequence[Result]) -> None:
        """Add the records of `results` to those that are there, each once, and list what failed.

        Each file is replaced in one step, the report last: once it is there, all is.
        """
        found = [result for result in results if isinstance(result, Measurement)]
        failed = tuple(failed_model(r) for r in results if isinstance(r, Failure))
        if failed:
            failures = Failures(order=order.id, failures=failed)
            write_atomic(self.failures_path, failures.model_dump_json(indent=1) + "\n")
        else:
            self.failures_path.unlink(missing_ok=True)
        records = {measurement.id: measurement for measurement in [*self.records(), *found]}
        write_atomic(self.path, "".join(f"{of.to_json()}\n" for of in records.values()))

    def failures(self) -> Failures | None:
        """What failed, or None. Raises ReportError."""
        if not self.failures_path.exists():
            return None
        try:
            return Failures.model_validate_json(self.failures_path.read_bytes())
        except ValidationError as error:
            problem = first_problem(error, "list of failures")
            raise ReportError(f"{self.failures_path}: {problem}: measure again") from error


def failed_model(failure: Failure) -> FailedModel:
    """The failure as it travels: cut to its first characters, and without those that are none."""
    detail = failure.detail.replace("\0", "")[:MAX_DETAIL_CHARACTERS]  # databases take no zeros
    detail = detail.encode(errors="replace").decode()
    return FailedModel(sha256=failure.subject.sha256, kind=failure.kind, detail=detail)


def failure_of(subject: Subject, failed: FailedModel) -> Failure:
    """What came back of a model that `failed`, as a session would have it."""
    return Failure(subject, _KINDS[failed.kind], printable(failed.detail))
