"""How well a cheap score orders networks as training does, and what there is to be had."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from benchmarks.kendall import kendall
from benchmarks.room.train import find
from benchmarks.rows import Row, grouped

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
    return Rank(name, kendall(score, accuracy), kendall(score, accuracy, bands))


def _of_seed(
    rows: Sequence[Row], by_network: Mapping[str, Sequence[Row]], seed: int
) -> list[float] | None:
    found = [find(by_network[row["architecture"]], {"seed": seed}) for row in rows]
    accuracies = [row["test_accuracy"] for row in found if row is not None]
    return accuracies if len(accuracies) == len(rows) else None
