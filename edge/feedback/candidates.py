"""Networks that could be measured: those of a file, and those that a table's blocks make."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edge.errors import EdgeError
from edge.networks import Measured
from edge.spec import Architecture, BlockSpec, Row
from edge.table import Table

_TILT = 0.5  # Dirichlet concentration per operation


class CandidatesError(EdgeError, ValueError):
    """A place where no networks can be found."""


@dataclass(frozen=True)
class Candidate:
    """A network; `name` is None for one that was only made up to be measured."""

    name: str | None
    architecture: Architecture


def of_file(path: Path) -> list[Candidate]:
    """The members in an ``architectures.json`` or ``family.json``. Raises CandidatesError."""
    try:
        members = json.loads(path.read_text(encoding="utf-8"))["members"]
        return [
            Candidate(str(m["name"]), Architecture.from_dict(m["architecture"])) for m in members
        ]
    except OSError as error:
        raise CandidatesError(f"{path} cannot be read: {error.strerror or error}") from error
    except (KeyError, TypeError, ValueError) as error:  # SpecError is a ValueError
        raise CandidatesError(f"{path} holds no members of a family: {error}") from error


def drawn(table: Table, session: Sequence[Measured], number: int, seed: int) -> list[Candidate]:
    """At most `number` different random networks of the table's blocks.

    The base network of the profile's `session` says where a block is chosen; what could stand
    there is every block of the table of the same geometry. A network first draws how much it
    likes each operation and then chooses by that: independent uniform choices average out, and
    the latencies of such networks lie close together. Raises CandidatesError where the session
    has no base network.
    """
    bases = (a for a, m in session if m.subject.role == "base" and m.target == table.target)
    base = next(bases, None)
    if base is None:
        raise CandidatesError("the profile holds no base network: dvc repro -sf profile")
    generator = np.random.default_rng(seed)
    offers = [_offered(table, row) for row in base.rows]
    found = {a.key: a for a in _draws(base, offers, number, generator)}
    return [Candidate(None, architecture) for architecture in found.values()]


def _offered(table: Table, row: Row) -> list[BlockSpec]:
    """The blocks that could stand in a row, its own first."""
    if not row.searched:
        return [row.block]
    blocks = map(BlockSpec.from_key, table.rows)
    others = [b for b in blocks if replace(b, op=row.block.op) == row.block and b != row.block]
    return [row.block, *others]


def _draws(
    base: Architecture,
    offers: Sequence[Sequence[BlockSpec]],
    number: int,
    generator: np.random.Generator,
) -> Iterator[Architecture]:
    ops = sorted({block.op for offered in offers for block in offered})
    for _ in range(number):
        taste = dict(zip(ops, generator.dirichlet([_TILT] * len(ops)), strict=True))
        rows = tuple(
            replace(row, block=_choose(offered, taste, generator))
            for row, offered in zip(base.rows, offers, strict=True)
        )
        yield replace(base, rows=rows)


def _choose(
    offered: Sequence[BlockSpec], taste: dict[str, float], generator: np.random.Generator
) -> BlockSpec:
    liked = np.array([taste[block.op] for block in offered])
    return offered[int(generator.choice(len(offered), p=liked / liked.sum()))]
