"""`make bench-room`: can any search win in this space, on these images?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks.room import train
from benchmarks.room.sample import draw
from benchmarks.room.spread import ENOUGH, Room, rooms
from edge.errors import EdgeError
from pipeline import allocator, calibrate, dataset, params
from pipeline.space import make_space

RESULTS = Path("benchmarks/results/room.jsonl")
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--params",
    "params_file",
    type=_FILE,
    default=params.PARAMS_FILE,
    show_default=True,
    help="Space, data and recipe.",
)
@click.option(
    "--calibration",
    type=_FILE,
    default=calibrate.CALIBRATION_FILE,
    show_default=True,
    help="Of this space: what predicts the latencies.",
)
@click.option("--latencies", type=click.IntRange(1), default=4, show_default=True)
@click.option("--networks", type=click.IntRange(2), default=6, show_default=True)
@click.option("--seeds", type=click.IntRange(2), default=2, show_default=True)
@click.option("--epochs", type=click.IntRange(1), help="Of training, in place of retrain.epochs.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the draw.")
@click.option("--workers", type=click.IntRange(1), help="In place of retrain.workers.")
@click.option("--out", type=_FILE, default=RESULTS, show_default=True, help="The rows.")
def main(
    params_file: Path,
    calibration: Path,
    latencies: int,
    networks: int,
    seeds: int,
    epochs: int | None,
    seed: int,
    workers: int | None,
    out: Path,
) -> None:
    """Train random networks of equal latency, and compare their spread with the noise.

    A row is written as soon as a training ends: a killed benchmark goes on.
    """
    try:
        settings = params.load(params_file)
        data = dataset.load()
        space = make_space(settings.space, data.shape)
        table = calibrate.read_calibration(calibration)
        drawn = draw(space, table, latencies, networks, seed)
        recipe = settings.retrain
        if epochs is not None:
            recipe = recipe.model_copy(update={"epochs": epochs})
        images = len(data.test_y)
        rows = train.run(settings, drawn, seeds, recipe, images, out, workers or recipe.workers)
    except EdgeError as error:
        raise click.ClickException(str(error)) from error
    click.echo(as_text(rooms(rows, images)))


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
    allocator.tune()
    main()
