"""Random architectures of equal predicted latency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.calibration import Calibration
from edge.errors import EdgeError
from edge.spec import Architecture
from models.spaces import Choices, Space
from pipeline.roster import tilted
from pipeline.seeds import rng

_DRAWS = 20_000
_APART = 0.025  # of the latency, either way
_ENDS = (0.02, 0.9)  # of the drawn ones, in order of latency: the very ends hold hardly any


class NoSuchNetworks(EdgeError, ValueError):
    """Too few networks of equal latency."""


@dataclass(frozen=True)
class Drawn:
    """A network, and the latency at which it is compared with others."""

    latency_ms: float
    predicted_ms: float
    choices: Choices
    architecture: Architecture


def draw(
    space: Space, calibration: Calibration, latencies: int, networks: int, seed: int
) -> list[Drawn]:
    """`networks` different ones near each of `latencies`, which are spread evenly in log latency.

    Nothing but latency and chance chooses them. Raises NoSuchNetworks.
    """
    draws = rng(seed, "room")
    pool = sorted({space.canonical(tilted(space, draws)) for _ in range(_DRAWS)})
    architectures = [space.architecture(choices) for choices in pool]
    predicted_ms = np.array([p.mean_ms for p in calibration.predict_many(architectures)])
    low, high = np.quantile(predicted_ms, _ENDS)
    chosen: list[Drawn] = []
    for latency_ms in np.geomspace(low, high, latencies).tolist():
        near = np.flatnonzero(np.abs(predicted_ms / latency_ms - 1) <= _APART)
        if len(near) < networks:
            raise NoSuchNetworks(
                f"only {len(near)} of {len(architectures)} random networks take about "
                f"{latency_ms:.3g} ms: ask for fewer --networks or --latencies"
            )
        chosen += [
            Drawn(latency_ms, float(predicted_ms[n]), pool[n], architectures[n])
            for n in draws.choice(near, networks, replace=False)
        ]
    return chosen
