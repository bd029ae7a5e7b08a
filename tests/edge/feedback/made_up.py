"""A made-up board: a table of three operations, and networks that were measured on it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from edge import bayes
from edge.bayes import Floats
from edge.record import Conditions, Measurement, Subject, Target
from edge.spec import Architecture, BlockSpec, Row
from edge.table import Table, TableRow

NOW = datetime(2026, 7, 1, tzinfo=timezone.utc)
TARGET = Target(
    device="board", runtime="ort", runtime_version="1", provider="cpu", precision="fp32", threads=1
)
COST_MS = {"conv_k3": 0.20, "mbconv_k3_e3": 0.10, "sep_k3": 0.05}
OPS = ("skip", *COST_MS)
OFFSET_MS = 0.5
BLOCKS = 6


def block(op: str) -> BlockSpec:
    return BlockSpec(op, 16, 16, 14, 14)


def network(*ops: str) -> Architecture:
    """A stem, then `BLOCKS` searched blocks: `ops`, and skips after them."""
    chosen = [*ops, *["skip"] * (BLOCKS - len(ops))]
    rows = [Row(f"b{n}", block(op), searched=True) for n, op in enumerate(chosen, 1)]
    stem = Row("stem", BlockSpec("conv_k3", 1, 16, 28, 28, 2))
    return Architecture("mbconv", (1, 28, 28), 10, (stem, *rows))


def table() -> Table:
    when = NOW.isoformat()
    rows = {block(op).key: TableRow(ms, ms, ms, 9, "clean", when) for op, ms in COST_MS.items()}
    return Table(TARGET, OFFSET_MS, rows)


def measured(
    ms: float,
    *ops: str,
    role: str = "member",
    age_days: float = 0,
    runs: int = 50,
    **changes: object,
) -> Measurement:
    """Three blocks of equal runs of `ms`."""
    subject = Subject(
        kind="network",
        name="-".join(ops) or "base",
        sha256="0",
        role=role,
        architecture=network(*ops).to_dict(),
    )
    fields = {
        "subject": subject,
        "target": TARGET,
        "conditions": Conditions(wall_time=(NOW - timedelta(days=age_days)).isoformat()),
        "warmup_ns": (),
        "samples_ns": ((round(ms * 1e6),) * runs,) * 3,
        "verdict": "clean-unverified",
    }
    return Measurement.model_validate({**fields, **changes})


def world(seed: int, n: int, price: dict[str, float] | None = None) -> list[Measurement]:
    """n random networks whose operations cost `price` times what the table says."""
    rng = np.random.default_rng(seed)
    drawn = [tuple(rng.choice(OPS, BLOCKS)) for _ in range(n)]
    factor = price or {}
    costs_ms = [
        OFFSET_MS + sum(factor.get(op, 1.0) * COST_MS.get(op, 0.0) for op in ops) for ops in drawn
    ]
    return [measured(ms, *map(str, ops)) for ms, ops in zip(costs_ms, drawn, strict=True)]


def write(path: Path, *records: Measurement) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(m.to_json() + "\n" for m in records))
    return path


def profile(folder: Path, *records: Measurement) -> Path:
    """What the stage `profile` leaves behind: the table, and its session with the base network."""
    table().write(folder)
    write(folder / "records.jsonl", measured(OFFSET_MS, role="base"), *records)
    return folder


def one_gaussian(mean: Floats, covariance: Floats, noise: float = 0.0) -> bayes.Posterior:
    """A posterior without a doubt of the noise."""
    return bayes.Posterior(np.ones(1), mean[None], covariance[None], np.array([noise]))
