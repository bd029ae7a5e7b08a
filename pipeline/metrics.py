"""The numbers of a stage as flat JSON: what ``dvc metrics show`` compares."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from edge.files import write_atomic

NAME = "metrics.json"
RESULTS = Path("results")


def write(folder: Path, numbers: Mapping[str, float | None]) -> None:
    """Write ``metrics.json`` into `folder`; what is None is left out."""
    known = {name: number for name, number in numbers.items() if number is not None}
    write_atomic(folder / NAME, json.dumps(known, indent=2) + "\n")


def add(stage: str, root: Path = Path(), **numbers: float) -> None:
    """Add numbers to what `stage` wrote below `root`; a stage without metrics stays without."""
    folder = root / RESULTS / stage
    if (folder / NAME).exists():
        write(folder, json.loads((folder / NAME).read_text(encoding="utf-8")) | numbers)
