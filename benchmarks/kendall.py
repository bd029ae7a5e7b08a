"""Kendall's rank correlation, of which there are several kinds: here it is tau-b."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike


def kendall(one: ArrayLike, other: ArrayLike, groups: Sequence[Hashable] | None = None) -> float:
    """tau-b (Kendall, 1945): pairs in the same order less those in opposite order, by the geometric
    mean of the pairs that are no tie in one and in the other. Only pairs inside a group count.
    0 where nothing can be ordered."""
    values = [np.asarray(x, dtype=np.float64) for x in (one, other)]
    above = np.triu_indices(len(values[0]), 1)
    signs = [np.sign(np.subtract.outer(x, x))[above] for x in values]
    if groups is not None:
        numbers = np.array([list(dict.fromkeys(groups)).index(group) for group in groups])
        inside = np.equal.outer(numbers, numbers)[above]
        signs = [sign[inside] for sign in signs]
    untied = float(np.sqrt(np.abs(signs[0]).sum() * np.abs(signs[1]).sum()))
    return float((signs[0] * signs[1]).sum()) / untied if untied else 0.0
