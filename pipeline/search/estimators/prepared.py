"""The paths that are looked at before the first step: a few hundred, on images that all share."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from edge.spec import SKIP
from models.spaces import Choices, Space
from pipeline.search.objective import Costs, expected_latency_ms, one_hot
from pipeline.seeds import rng

_DRAWN = 16  # paths of each kind per path that is kept
_ENDS = 0.01  # share of the drawn paths beyond either end of the latencies that are wanted
_NEAR = 0.05  # of log latency: a path that lies as near is as good as one of this latency


def prepared_paths(space: Space, costs: Costs, count: int, seed: int) -> Tensor:
    """At most `count` ≥ 1 different paths (count, decisions), evenly over log latency.

    They are uniform paths where there are any, and of random depth where there are none, at both
    ends: what an operation is worth in a network of random depth says little about the networks
    that are compared later.
    """
    draws = rng(seed, "additive")
    uniform = dict.fromkeys(space.random(draws) for _ in range(_DRAWN * count))
    spread = (space.canonical(spread_path(space, draws)) for _ in range(_DRAWN * count))
    drawn = list(uniform | dict.fromkeys(spread))
    log_ms = expected_latency_ms(one_hot(drawn, costs), costs).log()
    low, high = log_ms.quantile(torch.tensor([_ENDS, 1 - _ENDS])).tolist()
    handicap = torch.full(log_ms.shape, _NEAR)
    handicap[: len(uniform)] = 0.0
    kept = []
    for latency in torch.linspace(low, high, count)[: len(drawn)]:
        nearest = int(((log_ms - latency).abs().clamp_min(_NEAR) + handicap).argmin())
        kept.append(nearest)
        log_ms[nearest] = torch.inf
    return torch.tensor([drawn[number] for number in kept])


def spread_path(space: Space, draws: np.random.Generator) -> Choices:
    """A path of random depth."""
    share = draws.random()
    path = []
    for decision in space.decisions:
        ops = [block.op for block in decision.candidates]
        others = [op for op in ops if op != SKIP]
        stays = SKIP in ops and (not others or draws.random() < share)
        op = SKIP if stays else others[draws.integers(len(others))]
        path.append(space.operations.index(op))
    widths = (draws.integers(len(space.widths[stage])) for stage in space.elastic)
    return (*path, *map(int, widths))
