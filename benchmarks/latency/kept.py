"""The networks of a session without their samples: little enough for Git, and enough to score
every method again when one of them has changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.latency.splits import Networks, thin
from benchmarks.rows import as_lines, read
from edge.errors import EdgeError
from edge.files import write_atomic
from edge.record import Measurement, iter_networks
from edge.table import Table

FILE = "networks.jsonl"


class NothingKept(EdgeError, FileNotFoundError):
    """No session was kept."""


def write(networks: Networks, folder: Path) -> None:
    """The table as the pipeline writes it, and a row per network: its record with the median as
    the only sample, and what else was found of it."""
    networks.table.write(folder)
    rows = [
        {
            "record": record.model_dump(mode="json"),
            "macs": float(networks.macs[i]),
            "repeat_ms": float(networks.repeat_ms[i]),
            "operations_ms": None if of_operations is None else float(of_operations[i]),
        }
        for of_operations in [networks.operations_ms]
        for i, (_, record) in enumerate(thin(networks.pairs))
    ]
    write_atomic(folder / FILE, as_lines(rows))


def load(folder: Path) -> Networks:
    """Read `write` back. Raises NothingKept, TableError."""
    rows = read(folder / FILE)
    if not rows:
        raise NothingKept(f"{folder} holds no measured networks: run without --again first")
    columns = {name: [row[name] for row in rows] for name in ("macs", "repeat_ms", "operations_ms")}
    operations_ms = columns["operations_ms"]
    return Networks(
        table=Table.read(folder),
        pairs=list(iter_networks(Measurement.model_validate(row["record"]) for row in rows)),
        macs=np.array(columns["macs"]),
        repeat_ms=np.array(columns["repeat_ms"]),
        operations_ms=None if None in operations_ms else np.array(operations_ms),
    )
