"""How well a cheap score orders networks as training does, and what there is to be had."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np

from benchmarks.kendall import kendall
from benchmarks.room.train import find
from benchmarks.rows import Row, grouped
from pipeline.seeds import rng

_RESAMPLES = 1000

SCORES: Mapping[str, tuple[str, int]] = {
    "shared weights, cross-entropy": ("cross_entropy", -1),
    "shared weights, accuracy": ("accuracy", 1),
    "shared weights, cross-entropy, BatchNorm not re-estimated": ("quick_cross_entropy", -1),
    "MACs": ("macs", 1),
    "parameters": ("parameters", 1),
    "predicted latency": ("predicted_ms", 1),
}
"""What a score is called: its key in a row, and whether more of it is better."""

RETRAINED = "one training against another"  # of the same networks: of seed 0, and of seed 1


@dataclass(frozen=True)
class Rank:
    """Kendall's tau of one score and the accuracy after training: over all pairs of networks, and
    over those of equal latency alone."""

    score: str
    overall: float
    within: float
    within_interval: tuple[float, float]  # of 95 %: other networks of these latencies


def ranks(scored: Iterable[Row], trained: Sequence[Row]) -> list[Rank]:
    """One for every score, over the networks that were trained; the last is a training itself.
    Empty below two networks.

    It is no ceiling: the scores are compared with the mean over training seeds, which has less
    noise than the one training that it is compared with.

    `scored` are rows of `experiments.rank`, `trained` those of `benchmarks.room`, of one setting.
    """
    by_network = grouped(trained, lambda row: row["architecture"])
    rows = [row for row in scored if row["architecture"] in by_network]
    if len(rows) < 2:
        return []
    bands = [row["latency_ms"] for row in rows]
    accuracy = [mean(r["test_accuracy"] for r in by_network[row["architecture"]]) for row in rows]
    found = [
        _rank(name, [sign * row[key] for row in rows], accuracy, bands)
        for name, (key, sign) in SCORES.items()
    ]
    first, other = (_of_seed(rows, by_network, seed) for seed in (0, 1))
    if first is not None and other is not None:
        found.append(_rank(RETRAINED, first, other, bands))
    return found


def _rank(
    name: str, score: Sequence[float], accuracy: Sequence[float], bands: Sequence[float]
) -> Rank:
    within = kendall(score, accuracy, bands)
    return Rank(name, kendall(score, accuracy), within, _interval(score, accuracy, bands))


def _interval(
    score: Sequence[float], accuracy: Sequence[float], bands: Sequence[float]
) -> tuple[float, float]:
    """Percentile bootstrap (Efron, 1979) of Kendall's tau within a band: networks are drawn again
    from those of their band."""
    draws = rng(0, "bootstrap")
    members = [np.flatnonzero(np.equal(bands, band)) for band in dict.fromkeys(bands)]
    values = []
    for _ in range(_RESAMPLES):
        again = np.concatenate([draws.choice(of, len(of)) for of in members])
        one, other, band = (np.take(of, again) for of in (score, accuracy, bands))
        values.append(kendall(one, other, band.tolist()))
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _of_seed(
    rows: Sequence[Row], by_network: Mapping[str, Sequence[Row]], seed: int
) -> list[float] | None:
    found = [find(by_network[row["architecture"]], {"seed": seed}) for row in rows]
    accuracies = [row["test_accuracy"] for row in found if row is not None]
    return accuracies if len(accuracies) == len(rows) else None
