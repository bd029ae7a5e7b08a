"""What a network costs beyond the sum of its blocks because its weights leave a cache.

What fits into a cache stays there from run to run; where there is more, weights come from slower
memory every time. A block is timed in chains that fit, so that the sum of a table misses what a
network of many wide blocks pays. Every run goes through its w weights and what lies between its
blocks in the same order, m values in all. Where m is beyond K some are gone when they are needed
again, and from 3 K on all are. The weights that are missing then:

    g(w, m) = w min(1, max(0, (m / K - 1) / 2))
    s(a) = g(a) - g(its fixed layers) - sum over its blocks of [g(three copies) - g(one)] / 2

The second term is in the table's offset already, the third in its blocks, which are half of what
three copies take beyond one (or what one takes, where a block cannot follow itself). m counts what
blocks read and write at their borders, not inside, and the 3 is what fits an Intel Xeon's second
level (`make bench-latency`): K, of which nobody tells how large it is, makes up for either. `Spill`
has a column for each of several K, and a calibration finds out which of them, if any.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from edge import weights
from edge.spec import Architecture, BlockSpec

Floats = NDArray[np.float64]

KNEES = 6
LEAST_VALUES = 65_536  # 256 KiB of fp32: a smaller network leaves no cache worth the name
_ALL_GONE = 3  # times K: a cache that kept nothing beyond K would lose all at once
_COPIES = 3  # of a block in the longer of its two chains


@dataclass(frozen=True, eq=False)
class Spill:
    """Columns s(a), one per knee K, for architectures of one table."""

    knees: Floats  # (K,) values, ascending; empty where there is nothing to find out

    @classmethod
    def over(cls, architectures: Sequence[Architecture], blocks: Collection[str]) -> Spill:
        """Knees between the smallest and the largest of `architectures`, whose table has `blocks`;
        none where that is too small, or has operations whose weights nobody counts."""
        fixed = {a.trunk: a for a in architectures}.values()
        keys = {*blocks, *(row.block.key for a in fixed for row in a.rows)}
        if len(architectures) < 2 or any(weights.of_block(key) is None for key in keys):
            return _NOTHING
        sizes = _Sizes.of(architectures)
        touched = sizes.touched
        least, most = max(float(touched.min()), LEAST_VALUES), float(touched.max())
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
    """Weights, and values that are touched, of n architectures: both in a column each."""

    blocks: Floats  # (b, 2) of every distinct block that has a price
    repeats: NDArray[np.bool_]  # (b,) whether it can follow itself
    owner: NDArray[np.intp]  # (m,) whose block it is, for all blocks of all architectures
    which: NDArray[np.intp]  # (m,) and which one
    fixed: Floats  # (n, 2) of the other rows

    @classmethod
    def of(cls, architectures: Sequence[Architecture]) -> _Sizes:
        keys = [architecture.priced_keys for architecture in architectures]
        numbers = {key: n for n, key in enumerate(dict.fromkeys(chain.from_iterable(keys)))}
        one_of_each = {a.trunk: a for a in architectures}
        fixed = {trunk: _of_fixed_rows(a) for trunk, a in one_of_each.items()}
        return cls(
            np.array([_of_block(key) for key in numbers], np.float64).reshape(-1, 2),
            np.array([BlockSpec.from_key(key).residual for key in numbers], np.bool_),
            np.repeat(np.arange(len(keys)), list(map(len, keys))),
            np.array([numbers[key] for key in chain.from_iterable(keys)], np.intp),
            np.array([fixed[a.trunk] for a in architectures], np.float64).reshape(-1, 2),
        )

    @cached_property
    def total(self) -> Floats:
        """(n, 2)"""
        return self.fixed + self._summed(self.blocks)

    @property
    def touched(self) -> Floats:
        """(n,)"""
        return np.asarray(self.total[:, 1])

    def spilled(self, knees: Floats) -> Floats:
        """s (n, K)."""

        def missing(sizes: Floats) -> Floats:
            count, touched = sizes.T[:, :, None]
            return np.asarray(count * np.clip((touched / knees - 1) / (_ALL_GONE - 1), 0, 1))

        alone = missing(self.blocks)
        of_chains = (missing(_COPIES * self.blocks) - alone) / (_COPIES - 1)
        included = np.where(self.repeats[:, None], of_chains, alone)
        return missing(self.total) - missing(self.fixed) - self._summed(included)

    def _summed(self, of_block: Floats) -> Floats:
        """Over the blocks of every architecture, (n, columns)."""
        sums = [np.bincount(self.owner, c[self.which], len(self.fixed)) for c in of_block.T]
        return np.column_stack(sums)


def _of_block(key: str) -> tuple[int, int]:
    return weights.of_block(key) or 0, weights.touched(key)


def _of_fixed_rows(architecture: Architecture) -> tuple[int, int]:
    """Sums over the rows that no search chose."""
    found = [_of_block(row.block.key) for row in architecture.rows if not row.searched]
    return sum(count for count, _ in found), sum(touched for _, touched in found)
