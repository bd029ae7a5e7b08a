"""Records that nobody had to measure, of files whose content is their name."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from edge.record import Conditions, Measurement, Subject, Target
from tests.edge.bundles import sha256

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
BOARD = Target(
    device="Raspberry Pi 4, 4 cores",
    runtime="onnxruntime",
    runtime_version="1.32.0",
    provider="CPUExecutionProvider",
    precision="fp32",
    threads=1,
)


def record(name: str, ms: float, when: str = NOW.isoformat(), **changes: Any) -> Measurement:
    """Runs of the file called `name` that all take `ms`, but for one in fifty that takes twice as
    long."""
    block = tuple(round((2 if n % 50 == 0 else 1) * ms * 1e6) for n in range(100))
    measured = Measurement(
        subject=Subject(kind="file", name=name, sha256=sha256(name.encode())),
        target=BOARD,
        conditions=Conditions(wall_time=when),
        warmup_ns=(),
        samples_ns=(block,) * 7,
        peak_memory_bytes=12,
        verdict="clean",
    )
    return measured.model_copy(update=changes)
