"""The latency table: block key -> latency, for exactly one target.

A row is half of (three copies of the block in a row minus one copy), or one copy minus none where
a block cannot follow itself, so the fixed cost of calling a runtime cancels; the offset is what
the measured base network costs beyond its rows.
"""

from __future__ import annotations

import csv
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any, get_args

from edge.errors import EdgeError
from edge.files import csv_text, write_atomic
from edge.record import Measurement, Target, Verdict, unique
from edge.spec import Architecture, BlockSpec
from edge.statistics import Summary, summarise

FORMAT_VERSION = 1
_VERDICTS: tuple[Verdict, ...] = get_args(Verdict)  # best first
_COLUMNS = ("block", "latency_us", "lo_us", "hi_us", "n", "verdict", "when")


class TableError(EdgeError, ValueError):
    """Records or files that make no table."""


class MixedTargets(EdgeError, ValueError):
    """Latencies of two targets where one was expected."""

    def __init__(self, one: Target, other: Target) -> None:
        super().__init__(
            f"latencies of two targets cannot be mixed:\n  {one}\n  {other}\n"
            "keep one folder of records per target"
        )


class UnknownBlock(EdgeError, KeyError):
    """A block that the table holds no latency of."""


@dataclass(frozen=True)
class TableRow:
    """The latency of one block: median and interval over `n` runs, the worst verdict among
    the records it was made of, and when (ISO 8601) the last of them was taken."""

    latency_ms: float
    lo_ms: float
    hi_ms: float
    n: int
    verdict: Verdict
    when: str


@dataclass(frozen=True)
class Table:
    """Latencies of one target; of an architecture: its offset + the sum of its blocks.

    `offset_ms` is what the fixed layers take; where a space has several sets of them, that of the
    fastest, and `offsets_ms` that of each, by `Architecture.trunk`.
    """

    target: Target
    offset_ms: float
    rows: Mapping[str, TableRow]
    offsets_ms: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("rows", "offsets_ms"):
            object.__setattr__(self, name, dict(sorted(getattr(self, name).items())))

    @classmethod
    def from_measurements(cls, measurements: Iterable[Measurement]) -> Table:
        """The table that `chain` records and `base` networks make; other records do not matter.

        A block needs chains of two lengths. Raises MixedTargets; TableError when
        there is no base network; UnknownBlock when it holds a block that was not measured.
        """
        records = [m for m in unique(measurements) if _belongs(m)]
        _one_target(records)
        chains: dict[str, dict[int, list[Measurement]]] = defaultdict(lambda: defaultdict(list))
        for m in records:
            if m.subject.kind == "chain":
                chains[str(m.subject.block)][_copies(m)].append(m)
        rows = {key: _row(lengths) for key, lengths in chains.items() if len(lengths) > 1}
        bases = [m for m in records if m.subject.kind == "network"]
        if not bases:
            raise TableError(
                "no measured base network among the records, so the offset is unknown: "
                "let it end: dvc repro profile"
            )
        offsets_ms = _offsets(cls(bases[0].target, 0.0, rows), bases)
        offset_ms = min(offsets_ms.values())
        return cls(bases[0].target, offset_ms, rows, offsets_ms if len(offsets_ms) > 1 else {})

    def latency_ms(self, block: BlockSpec | str) -> float:
        """The latency of a block (or its key); an identity costs nothing. Raises UnknownBlock."""
        key = block if isinstance(block, str) else block.key
        row = self.rows.get(key)
        if row is not None:
            return row.latency_ms
        if BlockSpec.from_key(key).is_identity:
            return 0.0
        raise UnknownBlock(
            f"the table of {self.target.device} holds no block {key!r}: the space has changed "
            "since it was profiled; measure anew: dvc repro profile"
        )

    def offset_of(self, architecture: Architecture) -> float:
        """What the fixed layers of `architecture` take. Raises UnknownBlock."""
        if not self.offsets_ms:
            return self.offset_ms
        if architecture.trunk in self.offsets_ms:
            return self.offsets_ms[architecture.trunk]
        raise UnknownBlock(
            f"the table of {self.target.device} holds no network of these widths: the space has "
            "changed since it was profiled; measure anew: dvc repro profile"
        )

    def sum_ms(self, architecture: Architecture) -> float:
        """The offset plus the searched blocks of `architecture`. Raises UnknownBlock."""
        keys = architecture.priced_keys
        try:
            blocks_ms = math.fsum(map(self._latencies_ms.__getitem__, keys))
        except KeyError:
            blocks_ms = math.fsum(map(self.latency_ms, keys))  # says which one is missing
        return self.offset_of(architecture) + blocks_ms

    @cached_property
    def _latencies_ms(self) -> dict[str, float]:
        return {key: row.latency_ms for key, row in self.rows.items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data; `from_dict` reads it back."""
        head: dict[str, Any] = {"version": FORMAT_VERSION, "offset_ms": self.offset_ms}
        if self.offsets_ms:
            head["offsets_ms"] = dict(self.offsets_ms)
        rows = {key: asdict(row) for key, row in self.rows.items()}
        return {**head, "target": self.target.model_dump(mode="json"), "rows": rows}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Table:
        """Read `to_dict` back. Raises TableError naming what is malformed."""
        if data.get("version") != FORMAT_VERSION:
            raise TableError(
                f"table format {data.get('version')!r} is not {FORMAT_VERSION}, the one this "
                "version of edgefacet reads; measure anew: dvc repro -sf profile"
            )
        try:
            rows = {key: TableRow(**row) for key, row in data["rows"].items()}
            target = Target.model_validate(data["target"])
            offsets_ms = {trunk: float(ms) for trunk, ms in data.get("offsets_ms", {}).items()}
            return cls(target, float(data["offset_ms"]), rows, offsets_ms)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise TableError(
                f"not a latency table: {error!r}; measure anew: dvc repro -sf profile"
            ) from error

    def write(self, folder: Path) -> None:
        """Write ``table.csv`` (rows by key, µs to the nanosecond) and ``table.json`` (the rest)."""
        rows = [_cells(key, row) for key, row in self.rows.items()]
        head = {key: value for key, value in self.to_dict().items() if key != "rows"}
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / "table.csv", csv_text(_COLUMNS, rows))
        write_atomic(folder / "table.json", json.dumps(head, indent=2, sort_keys=True) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Table:
        """Read `write` back. Raises TableError where a file is missing or malformed."""
        try:
            head = json.loads((folder / "table.json").read_text(encoding="utf-8"))
            with (folder / "table.csv").open(encoding="utf-8", newline="") as file:
                rows = {line["block"]: asdict(_parse(line)) for line in csv.DictReader(file)}
        except FileNotFoundError as error:
            raise TableError(f"{error.filename} is missing; make it with: dvc repro") from error
        except (KeyError, TypeError, ValueError) as error:
            raise TableError(
                f"{folder}: not a latency table: {error!r}; measure anew: dvc repro -sf profile"
            ) from error
        return cls.from_dict({**head, "rows": rows})


def _cells(key: str, row: TableRow) -> list[object]:
    times = (f"{1e3 * ms:.3f}" for ms in (row.latency_ms, row.lo_ms, row.hi_ms))
    return [key, *times, row.n, row.verdict, row.when]


def _parse(line: Mapping[str, str]) -> TableRow:
    latency_ms, lo_ms, hi_ms = (
        float(line[name]) / 1e3 for name in ("latency_us", "lo_us", "hi_us")
    )
    verdict = _VERDICTS[_VERDICTS.index(line["verdict"])]
    return TableRow(latency_ms, lo_ms, hi_ms, int(line["n"]), verdict, line["when"])


def _offsets(blocks: Table, bases: list[Measurement]) -> dict[str, float]:
    """What measured networks take beyond their `blocks`, by their fixed layers."""
    by_trunk: dict[str, list[Measurement]] = defaultdict(list)
    for m in bases:
        by_trunk[m.subject.read_architecture().trunk].append(m)
    return {
        trunk: median(
            summarise(m.samples_ns).median_ms - blocks.sum_ms(m.subject.read_architecture())
            for m in _best(measured)
        )
        for trunk, measured in by_trunk.items()
    }


def _belongs(m: Measurement) -> bool:
    return m.subject.kind == "chain" or (m.subject.kind == "network" and m.subject.role == "base")


def _one_target(measurements: list[Measurement]) -> None:
    for m in measurements:
        if m.target != measurements[0].target:
            raise MixedTargets(measurements[0].target, m.target)


def _best(measurements: list[Measurement]) -> list[Measurement]:
    """The usable records, or all of them where there is none: the row's verdict tells."""
    return [m for m in measurements if m.usable] or measurements


def _measured(measurements: list[Measurement]) -> TableRow:
    """Repeated records of one chain as one row: the median of each number."""
    best = _best(measurements)
    summaries: list[Summary] = [summarise(m.samples_ns) for m in best]
    return TableRow(
        latency_ms=median(s.median_ms for s in summaries),
        lo_ms=median(s.lo_ms for s in summaries),
        hi_ms=median(s.hi_ms for s in summaries),
        n=sum(s.n for s in summaries),
        verdict=max((m.verdict for m in best), key=_VERDICTS.index),
        when=max(m.conditions.wall_time for m in best),
    )


def _copies(m: Measurement) -> int:
    return 1 if m.subject.repeat is None else m.subject.repeat


def _row(lengths: Mapping[int, list[Measurement]]) -> TableRow:
    """What one copy adds between the shortest and the longest chain; independent errors add in
    quadrature."""
    few, many = min(lengths), max(lengths)
    short, long, copies = _measured(lengths[few]), _measured(lengths[many]), many - few
    latency_ms = (long.latency_ms - short.latency_ms) / copies
    below_ms = math.hypot(long.latency_ms - long.lo_ms, short.hi_ms - short.latency_ms) / copies
    above_ms = math.hypot(long.hi_ms - long.latency_ms, short.latency_ms - short.lo_ms) / copies
    return TableRow(
        latency_ms=max(0.0, latency_ms),
        lo_ms=max(0.0, latency_ms - below_ms),
        hi_ms=max(0.0, latency_ms + above_ms),
        n=short.n + long.n,
        verdict=max(short.verdict, long.verdict, key=_VERDICTS.index),
        when=max(short.when, long.when),
    )
