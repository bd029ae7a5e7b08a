"""Blocks and architectures as data: no framework, one canonical string for each.

A *block* is an operation at one concrete geometry, the unit that is profiled. An
*architecture* is the list of its rows, complete enough to rebuild the network. Rows follow one
another; where a network is wider than a chain they say by `inputs` what they read.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, field_validator

from edge.errors import EdgeError, first_problem

SKIP = "skip"
NONE = "none"  # no connection at all
IMAGE = "image"  # among the inputs of a row: what the network is given
ADD, CONCAT = "add", r"concat_(\d+)"


class SpecError(EdgeError, ValueError):
    """A block or an architecture that cannot be what it says it is."""


@dataclass(frozen=True, order=True)
class BlockSpec:
    """An operation at one geometry: input (in_channels, height, width), stride, activation."""

    op: str
    in_channels: int
    out_channels: int
    height: int
    width: int
    stride: int = 1
    act: str = "relu"

    @cached_property
    def key(self) -> str:
        """The block's one canonical string, e.g. ``mbconv_k3_e6:16x14x14-16:s1:relu``."""
        size = f"{self.in_channels}x{self.height}x{self.width}-{self.out_channels}"
        return f"{self.op}:{size}:s{self.stride}:{self.act}"

    @classmethod
    def from_key(cls, key: str) -> BlockSpec:
        """Read `key` back. Raises SpecError when it is not a block key."""
        return _from_key(key)

    @property
    def residual(self) -> bool:
        """A block that keeps its geometry adds its input to its output."""
        return self.stride == 1 and self.in_channels == self.out_channels

    @property
    def operands(self) -> int:
        """How many outputs of others it reads: two to add, several to put side by side."""
        side_by_side = re.fullmatch(CONCAT, self.op)
        return int(side_by_side[1]) if side_by_side else 1 + (self.op == ADD)

    @property
    def out_height(self) -> int:
        return -(-self.height // self.stride)

    @property
    def out_width(self) -> int:
        return -(-self.width // self.stride)

    @property
    def is_identity(self) -> bool:
        """Skip at equal geometry computes nothing and costs nothing."""
        return self.op == SKIP and self.residual


# One string per number: no leading zeros, no digits of other scripts, and no more of them than
# `int` reads.
_SIZE = "([1-9][0-9]{0,8})"
_KEY = re.compile(rf"([a-z0-9_]+):{_SIZE}x{_SIZE}x{_SIZE}-{_SIZE}:s{_SIZE}:([a-z0-9_]+)")


@lru_cache(maxsize=4096)  # records of one space hold the same few hundred blocks again and again
def _from_key(key: str) -> BlockSpec:
    match = _KEY.fullmatch(key)
    if match is None:
        raise SpecError(f"{key!r} is no block key; expected e.g. 'skip:16x14x14-16:s1:relu'")
    op, cin, height, width, cout, stride, act = match.groups()
    return BlockSpec(op, int(cin), int(cout), int(height), int(width), int(stride), act)


@dataclass(frozen=True)
class Row:
    """One line of an architecture: where, what, and whether a search decided that it is there."""

    place: str
    block: BlockSpec
    searched: bool = False
    inputs: tuple[str, ...] = ()  # places of the rows it reads, in order; empty: the row before it

    def to_dict(self) -> dict[str, Any]:
        data = {"place": self.place, "block": self.block.key, "searched": self.searched}
        return {**data, "inputs": list(self.inputs)} if self.inputs else data


@dataclass(frozen=True)
class Architecture:
    """A whole network as rows of data, first row first."""

    space: str
    input_shape: tuple[int, int, int]  # (C, H, W)
    classes: int
    rows: tuple[Row, ...]

    @cached_property
    def searched_blocks(self) -> tuple[BlockSpec, ...]:
        """The blocks that a search chose, and what joins them; the others are the fixed trunk."""
        return tuple(row.block for row in self.rows if row.searched)

    @cached_property
    def priced_keys(self) -> tuple[str, ...]:
        """The keys of the searched blocks that compute anything."""
        return tuple(b.key for b in self.searched_blocks if not b.is_identity)

    @cached_property
    def trunk(self) -> str:
        """Twelve hex digits naming the fixed layers, which a table's offset belongs to."""
        fixed = (row.block.key for row in self.rows if not row.searched)
        channels, height, width = self.input_shape
        return _digest([f"{channels}x{height}x{width}>{self.classes}", *fixed])

    @cached_property
    def op_counts(self) -> Counter[str]:
        """How often each searched operation occurs."""
        return Counter(block.op for block in self.searched_blocks)

    @cached_property
    def sources(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of the rows that every row reads; -1 is the image."""
        numbers, found = {IMAGE: -1}, []
        for n, row in enumerate(self.rows):
            read = tuple([numbers[place] for place in row.inputs]) if row.inputs else (n - 1,)
            found.append(read)
            numbers[row.place] = n
        return tuple(found)

    def canonical(self) -> Architecture:
        """The same function without its identities: where a skip stands does not matter."""
        kept = self._computing()
        rows: list[Row] = []
        for row, read in kept:
            places = [IMAGE if source < 0 else kept[source][0].place for source in read]
            inputs = () if read == (len(rows) - 1,) else tuple(places)
            rows.append(Row(row.place, row.block, row.searched, inputs))
        return Architecture(self.space, self.input_shape, self.classes, tuple(rows))

    def _computing(self) -> list[tuple[Row, tuple[int, ...]]]:
        """The rows that are no identity, and the numbers among them of those that each reads."""
        kept: list[tuple[Row, tuple[int, ...]]] = []
        numbers = {-1: -1}  # of a row here → of what stands for it there
        for n, (row, sources) in enumerate(zip(self.rows, self.sources, strict=True)):
            read = tuple([numbers[source] for source in sources])
            if row.block.is_identity:
                numbers[n] = read[0]
            else:
                numbers[n] = len(kept)
                kept.append((row, read))
        return kept

    @cached_property
    def key(self) -> str:
        """Twelve hex digits naming the function computed; equal for equal canonical forms."""
        channels, height, width = self.input_shape
        lines = [
            row.block.key if read == (n - 1,) else f"{row.block.key} < {','.join(map(str, read))}"
            for n, (row, read) in enumerate(self._computing())
        ]
        return _digest([f"{channels}x{height}x{width}>{self.classes}", *lines])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data; `from_dict` reads it back."""
        return {
            "space": self.space,
            "input_shape": list(self.input_shape),
            "classes": self.classes,
            "rows": [row.to_dict() for row in self.rows],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Architecture:
        """Read `to_dict` back. Raises SpecError naming the field that is wrong or missing."""
        try:
            read = _ArchitectureData.model_validate(data)
        except ValidationError as error:
            raise SpecError(f"not an architecture: {first_problem(error, 'data')}") from error
        rows = tuple(Row(row.place, row.block, row.searched, row.inputs) for row in read.rows)
        return cls(read.space, read.input_shape, read.classes, rows)


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


# The JSON form, which comes from files that others wrote: "28" is no size and "yes" no truth value.
_Size = Annotated[int, Field(strict=True, gt=0)]
_Block = Annotated[BlockSpec, PlainValidator(lambda key: BlockSpec.from_key(str(key)))]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _RowData(_Data):
    place: str
    block: _Block
    searched: Annotated[bool, Field(strict=True)]
    inputs: tuple[str, ...] = ()


class _ArchitectureData(_Data):
    space: str
    input_shape: tuple[_Size, _Size, _Size]
    classes: _Size
    rows: list[_RowData]

    @field_validator("rows")
    @classmethod
    def _read_only_rows_before(cls, rows: list[_RowData]) -> list[_RowData]:
        before = {IMAGE}
        for row in rows:
            for place in row.inputs:
                if place not in before:
                    raise ValueError(f"{row.place} reads {place!r}, which is no row before it")
            before.add(row.place)
        return rows
