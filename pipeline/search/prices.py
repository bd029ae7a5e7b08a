"""The range of κ, from what the warmed-up weights say about cheap and dear paths.

Below the range nothing is too expensive, above it everything is: both ends are places where
α(S, κ) no longer changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import torch
from torch import nn

from models.norms import frozen_statistics
from models.spaces import Choices, Space
from models.supernet import single
from pipeline.batches import Images
from pipeline.search.objective import Costs, expected_latency_ms, one_hot
from pipeline.search.on_batch import on_batch
from pipeline.seeds import rng

_PATHS = 8
_IMAGES = 1000
_REACH = 8.0  # how far beyond the average exchange rates the range goes
_LEAST_GAIN = 1e-3  # of cross-entropy: noise below


def price_range(
    space: Space, supernet: nn.Module, images: Images, costs: Costs, seed: int
) -> tuple[float, float]:
    """(κ_min, κ_max) around the exchange rates of cross-entropy for latency (in units of the
    reference latency): from the cheapest path to the average one, from that to the dearest."""
    cheapest = extreme(space, costs, dearest=False)
    dearest = extreme(space, costs, dearest=True)
    draws = rng(seed, "prices")
    average = [space.random(draws) for _ in range(_PATHS)]
    gain: list[float] = []
    cost: list[float] = []
    for paths in ([cheapest], average, [dearest]):
        gain.append(fmean(look(supernet, path, images)[0] for path in paths))
        cost.append(fmean(latency_ms(path, costs) / costs.reference_ms for path in paths))
    rates = [
        max(_LEAST_GAIN, gain[i] - gain[i + 1]) / max(1e-6, cost[i + 1] - cost[i]) for i in (0, 1)
    ]
    return min(rates) / _REACH, max(rates) * _REACH


def latency_ms(choices: Sequence[int], costs: Costs) -> float:
    """The table's sum for one path."""
    return float(expected_latency_ms(one_hot(choices, costs), costs))


@torch.no_grad()
def look(
    supernet: nn.Module, choices: Choices, images: Images, count: int = _IMAGES
) -> tuple[float, float]:
    """Cross-entropy and accuracy of one path over the first `count` images, with the batch's own
    BatchNorm statistics: ranks paths as re-estimated statistics do, without touching any state."""
    x, y = images.take(slice(0, count))
    with frozen_statistics(supernet):
        loss, hits = on_batch(supernet, single(choices), x, y)
    return float(loss), float(hits)


def extreme(space: Space, costs: Costs, *, dearest: bool) -> Choices:
    """The path of the fastest or slowest fixed rows, and what is fastest or slowest around them:
    what the space derives from probabilities that rise or fall with the prices."""
    best = torch.argmax if dearest else torch.argmin
    widths = torch.unravel_index(best(costs.offset_ms), costs.offset_ms.shape)
    places, operations, _ = costs.latency_ms.shape
    of_places = torch.stack([*widths, torch.tensor(0)])[costs.stage]  # (E,) index of the width
    prices = costs.latency_ms[torch.arange(places), :, of_places]  # (E, k)
    liked = prices if dearest else prices.max() - prices
    p = torch.zeros(costs.mask.shape)
    p[:places, :operations] = 1 + liked
    for stage, width in enumerate(widths):
        p[places + stage, int(width)] = 1.0
    return space.derive((p * costs.mask).numpy())
