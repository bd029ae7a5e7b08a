"""How far networks of equal latency lie apart, against what chance alone would make of equals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from benchmarks.rows import Row, grouped

ENOUGH = 2.0  # times the noise


@dataclass(frozen=True)
class Room:
    """At one latency, in points of accuracy: the standard deviation of the networks' means over
    seeds, and the one that means of equally good networks would have."""

    latency_ms: float
    networks: int
    mean: float
    best: float
    worst: float
    spread: float
    noise: float

    @property
    def ratio(self) -> float:
        return self.spread / self.noise

    @property
    def enough(self) -> bool:
        """Whether a search could win here."""
        return self.ratio >= ENOUGH


def rooms(rows: Iterable[Row], images: int) -> list[Room]:
    """One for every latency, by the accuracy on the test images: nothing is chosen by it.

    A network counts when it has two seeds, and a latency when it has two networks: rows come one
    by one.
    """
    found = []
    for latency_ms, of_latency in sorted(grouped(rows, itemgetter("latency_ms")).items()):
        networks = grouped(of_latency, itemgetter("architecture"))
        accuracies = {
            name: [row["test_accuracy"] for row in of]
            for name, of in networks.items()
            if len(of) > 1
        }
        if len(accuracies) > 1:
            found.append(room(latency_ms, accuracies, images))
    return found


def room(latency_ms: float, accuracies: Mapping[str, Sequence[float]], images: int) -> Room:
    """Of the accuracies (0..1) of every network over its seeds, counted on `images` images.

    The noise is that of the seeds, pooled over the networks (two or more seeds each), and that of
    the finite number of images, p (1 - p) / images: an upper bound, because the networks are
    judged by the same images.
    """
    points = {name: 100 * np.array(of) for name, of in accuracies.items()}
    means = np.array([of.mean() for of in points.values()])
    seeds = float(np.mean([of.var(ddof=1) / len(of) for of in points.values()]))
    share = means.mean() / 100
    counted = 1e4 * share * (1 - share) / images
    return Room(
        latency_ms=latency_ms,
        networks=len(means),
        mean=float(means.mean()),
        best=float(means.max()),
        worst=float(means.min()),
        spread=float(means.std(ddof=1)),
        noise=float(np.sqrt(seeds + counted)),
    )
