"""``python -m experiments STEP``: see experiments/README.md; `make experiments` runs all steps."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import click

from edge.errors import EdgeError
from experiments import (
    ablations,
    cells,
    folder,
    latencies,
    networks,
    rank,
    references,
    room,
    settings,
    table,
)
from experiments.folder import TaskFolder
from experiments.report import page
from experiments.settings import Settings

_workers = click.option("--workers", type=click.IntRange(1), default=1, show_default=True)


@dataclass(frozen=True)
class _Given:
    """What every step is about."""

    task: TaskFolder
    protocol: Settings


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--task", "name", default=folder.DEFAULT_TASK, show_default=True, help="Its folder.")
@click.pass_context
def main(context: click.Context, name: str) -> None:
    """Compare methods of search; finished rows are kept, and a killed step goes on."""
    with _reported():
        task = folder.named(name)
        context.obj = _Given(task, settings.load(task.protocol_file))


@main.command("table")
@click.option("--again", is_flag=True, help="In the place of the table there is: all cells change.")
@click.pass_obj
def _table(given: _Given, again: bool) -> None:
    """Profile and calibrate, once for all cells; nothing else should run meanwhile."""
    with _on_data(given):
        table.run(given.protocol, given.task, again)


@main.command("cells")
@click.option("--seed", "seeds", type=click.IntRange(0), multiple=True, help="Only these.")
@click.option("--arm", "arms", multiple=True, help="Only these.")
@_workers
@click.pass_obj
def _cells(given: _Given, seeds: Sequence[int], arms: Sequence[str], workers: int) -> None:
    """Search and extract, for every arm and seed."""
    with _on_data(given):
        cells.run(given.protocol, given.task, seeds or None, arms or None, workers)


@main.command("ablations")
@click.option("--seed", "seeds", type=click.IntRange(0), multiple=True, help="Only these.")
@click.option("--arm", "arms", multiple=True, help="Only these.")
@_workers
@click.pass_obj
def _ablations(given: _Given, seeds: Sequence[int], arms: Sequence[str], workers: int) -> None:
    """Search without a part of the method, or with another one, and judge by shared weights."""
    with _on_data(given):
        protocol = settings.load_ablations(given.task.ablations_file)
        ablations.run(protocol, given.task, seeds or None, arms or None, workers)


@main.command("train")
@_workers
@click.pass_obj
def _train(given: _Given, workers: int) -> None:
    """Train what the cells chose."""
    with _on_data(given):
        networks.run(given.protocol, given.task, workers)


@main.command("measure")
@click.pass_obj
def _measure(given: _Given) -> None:
    """Measure what the cells chose, and the references, in one session; nothing else should run
    meanwhile."""
    with _on_data(given):
        latencies.run(given.protocol, given.task)


@main.command("references")
@_workers
@click.pass_obj
def _references(given: _Given, workers: int) -> None:
    """Train hand-designed networks with the same recipe and seeds."""
    with _on_data(given):
        references.run(given.protocol, given.task, workers)


@main.command("room")
@_workers
@click.pass_obj
def _room(given: _Given, workers: int) -> None:
    """Train random networks of equal latency: could any method win here?"""
    with _on_data(given):
        room.run(given.protocol, given.task, workers)


@main.command("rank")
@click.pass_obj
def _rank(given: _Given) -> None:
    """Judge the networks of the room by the shared weights of the first arm and seed."""
    with _on_data(given):
        rank.run(given.protocol, given.task)


@main.command("page")
def _page() -> None:
    """Write docs/results.md and its figures, of all tasks."""
    with _reported():
        page.write()


@contextmanager
def _on_data(given: _Given) -> Iterator[None]:
    """For a step that needs the images: it is left out where they are the user's to bring and are
    not there, so that a run over all tasks goes on with the next."""
    path = given.protocol.own_data()
    if path is not None and not path.exists():
        click.echo(f"skipped: {path} does not exist; experiments/README.md says how to make it")
        sys.exit(0)
    with _reported():
        yield


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except EdgeError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
