"""``python -m experiments STEP``: see experiments/README.md; `make experiments` runs all steps."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from edge.errors import EdgeError
from experiments import cells, page, settings, table
from experiments.settings import Settings
from experiments.workspace import prepare


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--settings",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=settings.SETTINGS_FILE,
    show_default=True,
    help="The protocol.",
)
@click.pass_context
def main(context: click.Context, file: Path) -> None:
    """Compare methods of search; finished rows are kept, and a killed step goes on."""
    with _reported():
        context.obj = settings.load(file)


@main.command("table")
@click.pass_obj
def _table(protocol: Settings) -> None:
    """Profile and calibrate, once for all cells; nothing else should run meanwhile."""
    with _reported():
        table.run(protocol)


@main.command("cells")
@click.option("--seed", "seeds", type=click.IntRange(0), multiple=True, help="Only these.")
@click.option("--arm", "arms", multiple=True, help="Only these.")
@click.pass_obj
def _cells(protocol: Settings, seeds: Sequence[int], arms: Sequence[str]) -> None:
    """Search and extract, for every arm and seed."""
    with _reported():
        cells.run(protocol, seeds or None, arms or None)


@main.command("train")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
@click.pass_obj
def _train(protocol: Settings, workers: int) -> None:
    """Train what the cells chose."""
    with _reported():
        _in_workspace(protocol, "experiments.networks", f"--workers={workers}")


@main.command("measure")
@click.pass_obj
def _measure(protocol: Settings) -> None:
    """Measure what the cells chose in one session; nothing else should run meanwhile."""
    with _reported():
        _in_workspace(protocol, "experiments.latencies")


@main.command("page")
@click.pass_obj
def _page(protocol: Settings) -> None:
    """Write docs/results.md and its figures."""
    with _reported():
        page.write(protocol)


def _in_workspace(protocol: Settings, module: str, *options: str) -> None:
    where = prepare("networks", protocol.merged(protocol.first, 0), "store")
    where.run(module, str(Path().resolve()), *options)


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except EdgeError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
