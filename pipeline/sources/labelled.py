"""What every source hands over: images with labels, and the errors of data that cannot be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.errors import EdgeError

LARGEST_BYTES = 4 * 2**30  # of all images: every later stage holds them in memory
_SHOWN = 10  # classes


class DataError(EdgeError, ValueError):
    """Images or labels that cannot be used; the message names the place and what to do."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Images with labels."""

    x: NDArray[np.uint8]  # (N, H, W, C)
    y: NDArray[np.int64]  # (N,)

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, eq=False)
class Raw:
    """A data set as its source holds it, not split yet."""

    train: Labelled
    test: Labelled | None  # None: a part of `train` has to do
    classes: tuple[str, ...]  # the label of class i
    remark: str = ""  # what was done to the images, for the person who runs the stage


def check_classes(classes: Sequence[str], where: str) -> None:
    """Raises DataError where names are fewer than two, empty, equal, or not text."""
    if len(classes) < 2:
        raise DataError(
            f"{where} has {len(classes)} class{'' if len(classes) == 1 else 'es'}: "
            "a classifier needs two or more"
        )
    for name, count in Counter(classes).items():
        if not name.strip():
            raise DataError(f"{where}: a class has an empty name; name it")
        if count > 1:
            raise DataError(f"{where}: two classes are called {name!r}; rename one")
        if not name.isprintable():
            raise DataError(f"{where}: the class name {name!r} is not plain text; rename it")


def listed(classes: Sequence[str]) -> str:
    """The names of the first classes, and how many there are beyond."""
    more = len(classes) - _SHOWN
    return ", ".join(classes[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def check_every_class_occurs(y: NDArray[np.int64], classes: Sequence[str], where: str) -> None:
    """Raises DataError naming a class without a training image."""
    counts = np.bincount(y, minlength=len(classes))
    for label, name in enumerate(classes):
        if counts[label] == 0:
            raise DataError(
                f"{where}: no training image is of class {label} ({name}); "
                "number the classes 0, 1, 2, … without a gap"
            )


def check_memory(count: int, size: tuple[int, int], channels: int) -> None:
    """Raises DataError where so many images of this size (height, width; pixels) do not fit."""
    height, width = size
    needed = count * height * width * channels
    if needed > LARGEST_BYTES:
        raise DataError(
            f"{count} images of {height}x{width}x{channels} take {needed / 2**30:.1f} GiB, more "
            f"than {LARGEST_BYTES / 2**30:.0f} GiB: lower data.size in params.yaml"
        )
