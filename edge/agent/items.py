"""What the spool holds: records and failures, each known by its content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from edge.orders import FailedModel
from edge.record import MAX_RECORD_BYTES, Measurement, parse
from edge.thin import is_thin, thin

Kind = Literal["record", "failure"]


@dataclass(frozen=True)
class Item:
    """A record or a failure as JSON; `order` is None for an application's own times.

    `thin` says that nothing of it can be left out.
    """

    kind: Kind
    order: str | None
    content: str
    thin: bool

    @property
    def id(self) -> str:
        """sha256 of kind, order and content, 64 hex digits: the same item has the same id."""
        whole = f"{self.kind} {self.order} {self.content}"
        return hashlib.sha256(whole.encode()).hexdigest()

    @classmethod
    def of_record(cls, record: Measurement, order: str | None) -> Item:
        """A record that is too large for its format is thinned at once."""
        content = record.to_json()
        if len(content) > MAX_RECORD_BYTES:
            record = thin(record)
            content = record.to_json()
        return cls("record", order, content, is_thin(record))

    @classmethod
    def of_failure(cls, failure: FailedModel, order: str) -> Item:
        return cls("failure", order, failure.model_dump_json(), thin=True)

    def thinned(self) -> Item:
        """The same measurement with fewer samples; a failure as it is."""
        if self.thin:
            return self
        return Item(self.kind, self.order, thin(parse(self.content)).to_json(), thin=True)

    def record(self) -> Measurement:
        """Raises RecordError where it is a failure."""
        return parse(self.content)

    def failure(self) -> FailedModel:
        """Raises pydantic's ValidationError where it is a record."""
        return FailedModel.model_validate_json(self.content)


@dataclass(frozen=True)
class DeadLetter:
    """An item that the hub refused: it is not sent again."""

    id: str
    order: str | None
    reason: str


@dataclass(frozen=True)
class Standing:
    """How full the spool is. `thinned`, `dropped` and `delivered` count items for ever."""

    waiting: int = 0
    waiting_bytes: int = 0
    dead: int = 0
    thinned: int = 0
    dropped: int = 0
    delivered: int = 0
