"""The numbers of a stage as flat JSON: what Git keeps and ``dvc metrics diff`` compares.

They lie outside the stages' folders, which DVC's cache keeps and Git does not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

from edge.files import write_atomic

FOLDER = Path("results/metrics")


def file(stage: str) -> Path:
    """Where the numbers of a stage lie."""
    return FOLDER / f"{stage}.json"


def write(stage: str, numbers: Mapping[str, float | None], root: Path = Path()) -> None:
    """Write the numbers of `stage` below `root`; what is None, or infinite as no number of JSON is,
    is left out."""
    known = {
        name: number
        for name, number in numbers.items()
        if number is not None and math.isfinite(number)
    }
    write_atomic(root / file(stage), json.dumps(known, indent=2) + "\n")


def read(stage: str, root: Path = Path()) -> dict[str, float]:
    """The numbers of `stage` below `root`; none where it wrote none."""
    path = root / file(stage)
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def add(stage: str, root: Path = Path(), **numbers: float) -> None:
    """Add numbers to what `stage` wrote below `root`; a stage without metrics stays without."""
    if known := read(stage, root):
        write(stage, known | numbers, root)
