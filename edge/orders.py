"""Orders: what a board is asked to measure, as data. A bundle, a hub and an agent speak of these.

An order is one session: its models are measured together, in interleaved blocks, because only
latencies of one session can be compared well. Its id is its content, so that measuring it twice,
or sending its report twice, is harmless. Nothing in it is a path, a command or code.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from edge.bench import Protocol
from edge.errors import EdgeError, first_problem
from edge.record import Subject

FORMAT_VERSION: Literal[1] = 1
MAX_MODEL_BYTES = 512 << 20
MAX_MODELS = 2000  # of an order; a profile of a large space has some hundreds
MAX_ORDER_BYTES = 16 << 20  # of its JSON
MAX_SUBJECT_BYTES = 256 << 10  # of its JSON: with its samples it must fit into a record

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
NAME_RULE = "1 to 64 letters, digits, dots, dashes and underscores, the first a letter or a digit"
Name = Annotated[str, Field(pattern=NAME_PATTERN)]


class OrderError(EdgeError, ValueError):
    """Data that is no order, or one that this version must not carry out."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class OrderedModel(_Frozen):
    """A model file by its content, and what it is."""

    subject: Subject
    size_bytes: Annotated[int, Field(ge=1, le=MAX_MODEL_BYTES)]

    @model_validator(mode="after")
    def _whole(self) -> OrderedModel:
        if len(self.subject.sha256) != 64 or set(self.subject.sha256) - set("0123456789abcdef"):
            raise ValueError(f"sha256 {self.subject.sha256!r} is not 64 hex digits")
        # NaN is no JSON: ValueError
        subject = json.dumps(self.subject.model_dump(), allow_nan=False)
        if len(subject) > MAX_SUBJECT_BYTES:
            raise ValueError(
                f"a subject of {len(subject) >> 10} KiB: {MAX_SUBJECT_BYTES >> 10} are the most"
            )
        return self


class How(_Frozen):
    """The protocol of the session, within what a board may be asked for."""

    warmup_s: Annotated[float, Field(ge=0, le=60)] = 0.5
    blocks: Annotated[int, Field(ge=1, le=101)] = 7
    block_s: Annotated[float, Field(ge=0, le=60)] = 1.0
    block_runs: Annotated[int, Field(ge=1, le=2000)] = 50
    max_runs: Annotated[int, Field(ge=1, le=20_000)] | None = 2000
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 60.0
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0

    def protocol(self) -> Protocol:
        """As `edge.bench` takes it; the memory limit is the board's own affair."""
        return Protocol(**self.model_dump(exclude={"seed"}))


class Order(_Frozen):
    """Models to measure in one session, and what must run them."""

    version: Literal[1] = FORMAT_VERSION
    purpose: Name  # says for people what it is for: profile, verify, measure
    runtime: Literal["onnxruntime", "litert"]
    precision: Name
    threads: Annotated[int, Field(ge=1, le=256)] = 1
    how: How = How()
    models: Annotated[tuple[OrderedModel, ...], Field(min_length=1, max_length=MAX_MODELS)]

    @model_validator(mode="after")
    def _told_apart(self) -> Order:
        """What is measured is known by its subject, and a file by its sha256."""
        sizes: dict[str, int] = {}
        subjects = set()
        for model in self.models:
            sha256, name = model.subject.sha256, model.subject.name
            if sizes.setdefault(sha256, model.size_bytes) != model.size_bytes:
                raise ValueError(f"sha256 {sha256[:12]}… has two sizes, the second for {name!r}")
            if (subject := model.subject.model_dump_json()) in subjects:
                raise ValueError(f"{name!r} is ordered twice")
            subjects.add(subject)
        return self

    @property
    def id(self) -> str:
        """sha256 of the content, 64 hex digits."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """One line of JSON, keys sorted."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Order:
        """Read `to_json` back. Raises OrderError, which says what is wrong."""
        data = text if isinstance(text, bytes) else text.encode(errors="surrogatepass")
        if len(data) > MAX_ORDER_BYTES:
            raise OrderError(
                f"larger than {MAX_ORDER_BYTES >> 20} MiB, the most an order may have: order fewer "
                "models at a time"
            )
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors()[0]
            if first["loc"] == ("version",):
                raise OrderError(
                    f"version {first['input']!r} is not {FORMAT_VERSION}, the one this edgefacet "
                    "reads: update edgefacet"
                ) from error
            raise OrderError(f"not an order: {first_problem(error, 'order')}") from error


class FailedModel(_Frozen):
    """A model of an order that could not be measured."""

    sha256: Sha256
    kind: Literal["crash", "oom", "timeout", "rejected", "gone", "altered"]
    detail: Annotated[str, Field(max_length=2000)]
