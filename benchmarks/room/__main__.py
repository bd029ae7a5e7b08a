"""`make bench-room`: can any search win in this space, on these images?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks.room.sample import Drawn, draw
from benchmarks.room.spread import ENOUGH, Room, rooms
from benchmarks.rows import Row
from edge.errors import EdgeError
from edge.files import sha256_of, write_atomic
from pipeline import calibrate, dataset, params, store
from pipeline.parallel import in_processes
from pipeline.params import Params
from pipeline.progress import Progress
from pipeline.retrain import Task, train_task
from pipeline.space import make_space
from pipeline.training import essentials

RESULTS = Path("benchmarks/results/room.jsonl")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--params",
    "params_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=params.PARAMS_FILE,
    show_default=True,
    help="Space, data and recipe.",
)
@click.option(
    "--calibration",
    type=click.Path(path_type=Path, dir_okay=False),
    default=calibrate.CALIBRATION_FILE,
    show_default=True,
    help="Of this space: what predicts the latencies.",
)
@click.option("--latencies", type=click.IntRange(1), default=4, show_default=True)
@click.option("--networks", type=click.IntRange(2), default=6, show_default=True)
@click.option("--seeds", type=click.IntRange(2), default=2, show_default=True)
@click.option("--epochs", type=click.IntRange(1), help="Of training, in place of retrain.epochs.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the draw.")
def main(
    params_file: Path,
    calibration: Path,
    latencies: int,
    networks: int,
    seeds: int,
    epochs: int | None,
    seed: int,
) -> None:
    """Train random networks of equal latency, and compare their spread with the noise.

    What is trained is kept: a killed benchmark goes on. Rows are appended to
    benchmarks/results/room.jsonl.
    """
    try:
        settings = params.load(params_file)
        data = dataset.load()
        space = make_space(settings.space, data)
        table = calibrate.read_calibration(calibration)
        drawn = draw(space, table, latencies, networks, seed)
        found = run(settings, drawn, seeds, epochs, len(data.test_y))
    except EdgeError as error:
        raise click.ClickException(str(error)) from error
    click.echo(as_text(found))


def run(
    settings: Params, drawn: Sequence[Drawn], seeds: int, epochs: int | None, images: int
) -> list[Room]:
    """Train what is not trained yet, write the rows, and say how much room there is."""
    recipe = settings.retrain.model_copy(update={"epochs": epochs or settings.retrain.epochs})
    data_sha256 = sha256_of(dataset.DATASET_FILE)
    tasks = {
        (one, seed): Task(
            one.architecture.to_dict(), recipe.model_copy(update={"seed": seed}), data_sha256
        )
        for one in drawn
        for seed in range(seeds)
    }
    _train(list(tasks.values()), recipe.workers)
    rows = [_row(settings, one, task) for (one, _), task in tasks.items()]
    _append(rows)
    return rooms(rows, images)


def _train(tasks: Sequence[Task], workers: int) -> None:
    missing = list({task.key: task for task in tasks if not task.path.exists()}.values())
    with store.locked("members"), Progress("room", len(missing)) as progress:
        for _ in in_processes(train_task, missing, min(workers, max(1, len(missing)))):
            progress.advance("trained")


def _row(settings: Params, one: Drawn, task: Task) -> Row:
    found = store.load(task.path)
    assert found is not None, task.path
    return {
        "data": settings.data.name,
        "space": settings.space.model_dump(mode="json"),
        "recipe": essentials(task.recipe),
        "latency_ms": round(one.latency_ms, 6),
        "predicted_ms": round(one.predicted_ms, 6),
        "architecture": one.architecture.key,
        "operations": one.architecture.op_counts,
        "seed": task.recipe.seed,
        "holdout_accuracy": found["holdout_accuracy"],
        "test_accuracy": found["test_accuracy"],
        "cpu_s": round(found["cpu_s"], 1),
    }


def _append(rows: Sequence[Row]) -> None:
    """Add the rows that the file does not hold yet."""
    known = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    lines = [json.dumps(row, sort_keys=True) for row in rows]
    new = [line for line in lines if line not in known]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(RESULTS, "".join(f"{line}\n" for line in [*known, *new]))


def as_text(rooms: Sequence[Room]) -> str:
    """A table for the terminal, and the verdict."""
    lines = ["latency  networks   mean   best  worst  spread  noise  spread / noise"]
    lines += [
        f"{1e3 * r.latency_ms:4.0f} µs  {r.networks:8d}  {r.mean:5.2f}  {r.best:5.2f}  "
        f"{r.worst:5.2f}  {r.spread:6.2f}  {r.noise:5.2f}  {r.ratio:14.1f}"
        for r in rooms
    ]
    enough = sum(r.enough for r in rooms)
    lines.append(f"room of {ENOUGH:g} x noise or more at {enough} of {len(rooms)} latencies")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
