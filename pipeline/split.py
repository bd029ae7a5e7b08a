"""The split of a data set: test images of every class, then disjoint parts to train on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.labelled import DataError

Index = NDArray[np.int64]


def parts(count: int, sizes: Sequence[int], seed: int) -> list[Index]:
    """Disjoint parts of range(`count`), of the given sizes, each in random order."""
    order = np.random.default_rng(seed).permutation(count)
    ends = np.cumsum(sizes)
    return [order[end - size : end] for end, size in zip(ends, sizes, strict=True)]


def stratified(labels: Index, share: float, classes: Sequence[str], seed: int) -> Index:
    """Which images become the test set: `share` of every class, at least one, never all.

    Ascending. Raises DataError for a class of a single image.
    """
    draws = np.random.default_rng(seed)
    chosen = []
    for label, name in enumerate(classes):
        members = np.flatnonzero(labels == label)
        if len(members) < 2:
            raise DataError(
                f"class {name!r} has {len(members)} image(s): it takes two, one to learn from and "
                "one to test with; add images, or give a test set"
            )
        count = min(max(1, round(share * len(members))), len(members) - 1)
        chosen.append(draws.permutation(members)[:count])
    return np.sort(np.concatenate(chosen))
