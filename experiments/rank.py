"""``python -m experiments.rank ROOT TASK`` in the folder of the first arm and seed: how its shared
weights see the networks of the room, all of which were trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks.room.sample import Drawn, draw
from benchmarks.rows import Row, append, grouped
from experiments import cells, rows
from experiments.folder import TaskFolder
from experiments.settings import Settings, load
from models.network import count, network
from pipeline import allocator, params
from pipeline.extract import Extraction
from pipeline.extraction.candidates import Candidate, Found


def run(settings: Settings, task: TaskFolder) -> None:
    """Judge the networks of the room in the weights of the first arm and seed; they are drawn as
    `room` draws them. Raises StageError."""
    cells.search(settings, settings.first, settings.first_seed, task).run(__name__, *task.arguments)


@click.command()
@click.argument("root", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.argument("task")
def main(root: Path, task: str) -> None:
    """Judge all networks of TASK below ROOT that have no row yet, one latency after another."""
    folder, extraction = TaskFolder(task, root), Extraction(params.load())
    settings = load(folder.protocol_file, root)
    room, calibration = settings.room, extraction.predictor.calibration
    drawn = draw(extraction.space, calibration, room.latencies, room.networks, seed=0)
    key = cells.key_of(settings, settings.first, settings.first_seed, folder)
    judge(drawn, extraction, key, folder)


def judge(drawn: Sequence[Drawn], extraction: Extraction, key: str, folder: TaskFolder) -> None:
    """Append a row per network: cross-entropy by the quick look and by the careful one, and
    accuracy by the latter, on held-out images."""
    known = {row["architecture"] for row in rows.of(rows.RANK, folder) if row["key"] == key}
    missing = [one for one in drawn if one.architecture.key not in known]
    for latency_ms, near in grouped(missing, lambda one: one.latency_ms).items():
        found = extraction.predictor.candidates(Found(one.choices, "uniform") for one in near)
        label = f"{1e3 * latency_ms:.0f} µs"
        seen = extraction.judge.judge(extraction.judge.screen(found, label), label)
        for one, candidate in zip(near, seen, strict=True):
            append(folder.results / rows.RANK, {"key": key, **_row(one, candidate)})


def _row(one: Drawn, seen: Candidate) -> Row:
    macs, parameters = count(network(one.architecture), one.architecture.input_shape)
    return {
        "architecture": one.architecture.key,
        "latency_ms": round(one.latency_ms, 6),
        "predicted_ms": round(one.predicted_ms, 6),
        "macs": macs,
        "parameters": parameters,
        "quick_cross_entropy": seen.quick_cross_entropy,
        "cross_entropy": seen.judged_cross_entropy,
        "accuracy": seen.accuracy,
    }


if __name__ == "__main__":
    allocator.tune()
    main()
