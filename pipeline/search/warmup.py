"""The paths on which shared weights learn before anything is preferred.

What is trained more often looks better later, so that these paths decide which errors the weights
make about networks: they should not be about what networks differ by.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edge.spec import SKIP
from models.blocks import build
from models.spaces import Choices, Decision, Space
from models.supernet import weight_sets
from pipeline.params import SearchParams
from pipeline.seeds import rng

Shares = npt.NDArray[np.float64]  # (decisions, options), rows sum to one


class WarmUpPaths:
    """Paths that prefer nothing. `purpose` names what they are for: each has draws of its own."""

    def __init__(self, space: Space, params: SearchParams, purpose: str) -> None:
        self._space, self._seed, self._purpose = space, params.seed, purpose
        self._shares = warmup_shares(space, params.warmup_skip)

    def at(self, step: int) -> Choices:
        """The path of one step."""
        draws = rng(self._seed, self._purpose, step)
        return self._space.drawn(self._shares, draws)


def warmup_shares(space: Space, skip: float) -> Shares:
    """How often a path has every option of every decision.

    A skip has the share `skip`, and what else has no weights that of any candidate. The rest goes
    to the sets of shared weights by the square root of how many operations are in them, and inside
    a set to all alike: by number alone, weights that many operations train would look better than
    those that one has to itself, and by sets alone worse. A width has a share in proportion to its
    channels: narrow ones are part of all wider ones, and learn whenever those do.
    """
    shares = np.zeros(space.mask.shape)
    for row, decision in zip(shares, space.decisions, strict=False):  # the others are widths
        row[: len(space.operations)] = _of_operations(decision, space.operations, skip)
    for row, stage in zip(shares[len(space.decisions) :], space.elastic, strict=True):
        widths = np.array(space.widths[stage])
        row[: len(widths)] = widths / widths.sum()
    return shares


def _of_operations(decision: Decision, operations: Sequence[str], skip: float) -> list[float]:
    others = [spec for spec in decision.candidates if spec.op != SKIP]
    if len(others) == len(decision.candidates):
        skip = 0.0
    elif not others:
        skip = 1.0
    free = [spec for spec in others if next(build(spec).parameters(), None) is None]
    sets = weight_sets([spec for spec in others if spec not in free])
    shares = {SKIP: skip} | {spec.op: (1 - skip) / len(others) for spec in free}
    rest, roots = 1 - sum(shares.values()), sum(math.sqrt(len(specs)) for specs in sets)
    for specs in sets:
        each = rest * math.sqrt(len(specs)) / roots / len(specs)
        shares |= {spec.op: each for spec in specs}
    return [shares.get(operation, 0.0) for operation in operations]
