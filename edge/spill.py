"""What a network costs beyond the sum of its blocks because its weights leave a cache.

Weights that fit into a cache stay there from run to run; what is beyond comes from slower memory
every time. A block is timed in chains that fit, so that the sum of a table misses what a network
of many wide blocks pays. With w weights of which K fit, a run brings h(w) = max(0, w - K):

    s(a) = h(w(a)) - h(w of its fixed layers) - sum over its blocks of [h(3 w_b) - h(w_b)] / 2

The second term is in the table's offset already, the third in its blocks, which are half of what
three copies take beyond one. Nobody tells how large a cache is, nor how much of it activations
take: `Spill` has a column for each of several K, and a calibration finds out which of them, if any.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from edge import weights
from edge.spec import Architecture

Floats = NDArray[np.float64]

KNEES = 6
LEAST_WEIGHTS = 65_536  # 256 KiB of fp32: a smaller network leaves no cache worth the name
_COPIES = 3  # of a block in the longer of its two chains


@dataclass(frozen=True, eq=False)
class Spill:
    """Columns s(a), one per knee K, for architectures of one table."""

    knees: Floats  # (K,) weights, ascending; empty where there is nothing to find out

    @classmethod
    def over(cls, architectures: Sequence[Architecture], blocks: Collection[str]) -> Spill:
        """Knees between the smallest and the largest of `architectures`, whose table has `blocks`;
        none where that is too small, or has operations whose weights nobody counts."""
        fixed = {a.trunk: a for a in architectures}.values()
        keys = {*blocks, *(row.block.key for a in fixed for row in a.rows)}
        if len(architectures) < 2 or any(weights.of_block(key) is None for key in keys):
            return _NOTHING
        sizes = _Sizes.of(architectures)
        least, most = max(float(sizes.total.min()), LEAST_WEIGHTS), float(sizes.total.max())
        if most <= least:
            return _NOTHING
        return cls(np.geomspace(least, most, KNEES + 1)[:-1])

    def columns(self, architectures: Sequence[Architecture]) -> Floats:
        """s(a) in weights, (n, K)."""
        if not len(self.knees):
            return np.empty((len(architectures), 0))
        return _Sizes.of(architectures).spilled(self.knees)


_NOTHING = Spill(np.empty(0))


@dataclass(frozen=True, eq=False)
class _Sizes:
    """The weights of n architectures."""

    blocks: Floats  # (b,) of every distinct block that has a price
    owner: NDArray[np.intp]  # (m,) whose block it is, for all blocks of all architectures
    which: NDArray[np.intp]  # (m,) and which one
    fixed: Floats  # (n,) of the other rows

    @classmethod
    def of(cls, architectures: Sequence[Architecture]) -> _Sizes:
        keys = [architecture.priced_keys for architecture in architectures]
        numbers = {key: n for n, key in enumerate(dict.fromkeys(chain.from_iterable(keys)))}
        one_of_each = {a.trunk: a for a in architectures}
        fixed = {trunk: weights.of_fixed_rows(a) for trunk, a in one_of_each.items()}
        return cls(
            np.array([weights.of_block(key) or 0 for key in numbers], np.float64),
            np.repeat(np.arange(len(keys)), list(map(len, keys))),
            np.array([numbers[key] for key in chain.from_iterable(keys)], np.intp),
            np.array([fixed[a.trunk] for a in architectures], np.float64),
        )

    @property
    def searched(self) -> Floats:
        """Of the blocks that have a price, (n,)."""
        return self._summed(self.blocks)

    @property
    def total(self) -> Floats:
        """(n,)"""
        return self.fixed + self.searched

    def spilled(self, knees: Floats) -> Floats:
        """s (n, K)."""

        def beyond(count: Floats) -> Floats:
            return np.maximum(0.0, count[:, None] - knees)

        included = (beyond(_COPIES * self.blocks) - beyond(self.blocks)) / (_COPIES - 1)
        inside = np.column_stack([self._summed(column) for column in included.T])
        return beyond(self.total) - beyond(self.fixed) - inside

    def _summed(self, of_block: Floats) -> Floats:
        """Over the blocks of every architecture, (n,)."""
        summed = np.bincount(self.owner, of_block[self.which], minlength=len(self.fixed))
        return np.asarray(summed, np.float64)
