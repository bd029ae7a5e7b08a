"""``python -m pipeline STAGE``: run one stage of the pipeline in the current folder."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click

from edge.errors import EdgeError
from edge.files import DISK_FULL
from edge.text import message
from pipeline import allocator, metrics, params

STAGES = {  # name: (module, what it does); `profile` is measure.py: a profile.py hides the stdlib's
    "check": ("pipeline.check", "Validate params.yaml and write down the target."),
    "data": ("pipeline.data", "Fetch the data set and split it."),
    "profile": ("pipeline.measure", "Measure blocks and random whole networks on the target."),
    "calibrate": ("pipeline.calibrate", "Correct the table by measurements of whole networks."),
    "search": ("pipeline.search", "Learn the architecture as a function of simplex and price."),
    "extract": ("pipeline.extract", "Read a family of architectures off the search."),
    "retrain": ("pipeline.retrain", "Train every member from scratch."),
    "export": ("pipeline.export", "Export every member and compare it with PyTorch."),
    "verify": ("pipeline.verify", "Measure every artifact on the target."),
    "report": ("pipeline.report", "Write one offline HTML page about the run."),
}
HEAVY = {"search", "extract", "retrain"}  # they train: worth a restart with memory settings


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run one stage of the pipeline; `dvc repro` runs all that are out of date."""


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except EdgeError as error:
        _give_up(str(error))
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        _give_up(f"{error}; make room and run it again: it goes on from its last checkpoint")


def _give_up(why: str) -> NoReturn:
    click.echo(message(f"error: {why}"), err=True)
    sys.exit(1)


def _run(stage: str, **options: object) -> None:
    if stage in HEAVY:
        allocator.tune()
    with _reported():
        module = importlib.import_module(STAGES[stage][0])  # torch takes seconds to import
        started_s = time.monotonic()
        module.run(params.load(), **options)
        metrics.add(stage, wall_s=round(time.monotonic() - started_s, 1))


def _command(stage: str) -> click.Command:
    return click.Command(stage, callback=lambda: _run(stage), help=STAGES[stage][1])


for _stage in STAGES:
    main.add_command(_command(_stage))


@main.command(help=STAGES["verify"][1])
@click.option("--strict", is_flag=True, help="Exit 1 where a member misses its budget.")
def verify(strict: bool) -> None:
    _run("verify", strict=strict)


@main.command()
def references() -> None:
    """Compare the family with hand-designed networks, trained and measured like it."""
    with _reported():
        from pipeline.references import run

        run(params.load())


@main.command()
def docs() -> None:
    """Write docs/parameters.md, and what README.md and docs/figures/ say of a run."""
    from pipeline import docs_pages

    with _reported():
        docs_pages.write()


@main.command()
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/smoke"),
    show_default=True,
    help="Folder of the copy; an old one is replaced.",
)
@click.option(
    "--preset",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=Path("presets/smoke.yaml"),
    show_default=True,
    help="Its parameters; presets/nb201.yaml and presets/cell.yaml take minutes, too.",
)
def smoke(into: Path, preset: Path) -> None:
    """Run the whole pipeline with a small preset, in a copy of the working tree."""
    from pipeline.smoke import run

    with _reported():
        run(into, preset=preset)


if __name__ == "__main__":
    main(prog_name="python -m pipeline")
