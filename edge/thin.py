"""A record with fewer raw samples: what is kept where there is no room for all of them.

Every block of runs becomes `KEPT` of its runs, evenly spaced by rank, in the order they were
taken. The run or the two runs in the middle are among them, so that the median of a block stays
exactly, and a percentile to within one rank in fifty.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.record import Measurement, Nanoseconds

KEPT = 50  # at most, of a block; even: half of them below the median


def thin(record: Measurement) -> Measurement:
    """`record` with at most `KEPT` runs of every block and of the warm-up.

    Verdict and reasons stay: they were judged with all samples. The id is another one. A record
    that is thin already is returned as it is.
    """
    if is_thin(record):
        return record
    return record.model_copy(
        update={
            "warmup_ns": record.warmup_ns[:KEPT],  # a cold start is in the first runs
            "samples_ns": tuple(map(thin_block, record.samples_ns)),
        }
    )


def is_thin(record: Measurement) -> bool:
    """Whether `thin` would change nothing."""
    return max(len(record.warmup_ns), *map(len, record.samples_ns)) <= KEPT


def thin_block(block: Sequence[Nanoseconds]) -> tuple[Nanoseconds, ...]:
    """`KEPT` runs of `block`, one fewer where it has a single middle run, in their old order."""
    runs = len(block)
    if runs <= KEPT:
        return tuple(block)
    evenly = [(2 * k + 1) * runs // (2 * KEPT) for k in range(KEPT // 2 - 1)]
    lower = [*evenly, (runs - 1) // 2]
    ranks = lower + [runs - 1 - rank for rank in lower]
    by_rank = np.argsort(np.asarray(block, dtype=np.int64), kind="stable")
    return tuple(block[position] for position in np.unique(by_rank[ranks]))
