"""The target that this machine is: what a latency measured here belongs to."""

from __future__ import annotations

from pathlib import Path

from edge.device import ROOT, describe
from edge.record import Target
from edge.runtimes import get_runtime
from edge.sensors import power_mode


def make_target(runtime: str, threads: int, precision: str, root: Path = ROOT) -> Target:
    """Describe this machine with `runtime`, at batch 1.

    `precision` is what the models are stored in, e.g. ``fp32`` or ``int8``. Raises
    UnknownRuntime or MissingRuntime.
    """
    backend = get_runtime(runtime)
    return Target(
        device=describe(root).fingerprint,
        runtime=backend.name,
        runtime_version=backend.version(),
        provider=backend.provider,
        precision=precision,
        threads=threads,
        power_mode=power_mode(root),
    )
