"""What a network must know of a data set, in a file of its own: other images of the same shape need
no new profile."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from edge.errors import EdgeError
from edge.files import write_atomic

SHAPE_FILE = Path("results/shape.json")


class DataShapeError(EdgeError, ValueError):
    """A file that is missing or does not say what images there are."""


@dataclass(frozen=True)
class DataShape:
    """Of one image, and of one output."""

    input_shape: tuple[int, int, int]  # (C, H, W)
    classes: int

    def write(self, root: Path = Path()) -> None:
        """Write the file below `root`."""
        write_atomic(root / SHAPE_FILE, json.dumps(asdict(self)) + "\n")

    @classmethod
    def read(cls, root: Path = Path()) -> DataShape:
        """Read what the stage `data` wrote below `root`. Raises DataShapeError."""
        path = root / SHAPE_FILE
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            channels, height, width = found["input_shape"]
            return cls((channels, height, width), found["classes"])
        except FileNotFoundError as error:
            raise DataShapeError(f"{path} does not exist; make it with: dvc repro data") from error
        except (KeyError, TypeError, ValueError) as error:
            raise DataShapeError(f"{path} is broken ({error}); dvc repro -sf data") from error
