"""The source's experiment: cells of three operations at four points of the simplex.

    python -m pipeline smoke --preset experiments/cell/run.yaml --into build/source
    python -m experiments.source build/source

The first command is a whole run of the pipeline in a folder of its own; the second keeps what its
members are as rows, from which docs/results.md is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from benchmarks.rows import Row, as_lines
from edge.errors import EdgeError
from edge.family import Family, Member
from edge.files import write_atomic
from edge.spec import Architecture
from pipeline.report.architectures import searched

FAMILY = Path("results/family")
ROWS = Path("experiments/cell/points.jsonl")
OPERATIONS = {"conv": "relu_conv_k3", "pool": "max_pool_bn_k3", "identity": "skip"}
POINTS = {"uniform": None, "few-conv": "conv", "few-pool": "pool", "few-skip": "identity"}
"""The points of extract.points, and the operation that each of them penalises."""


class NoSuchPoint(EdgeError, LookupError):
    """A run that has no member at one of the points."""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), default=ROWS, show_default=True
)
def main(folder: Path, out: Path) -> None:
    """Keep the members of FOLDER at the four points of the source as rows."""
    try:
        found = list(rows(folder))
    except EdgeError as error:
        raise click.ClickException(str(error)) from error
    write_atomic(out, as_lines(found))
    click.echo(f"{len(found)} points in {out}: python -m experiments page")


def rows(folder: Path) -> Iterator[Row]:
    """One of every point, in the order of the source. Raises NoSuchPoint, or what is wrong with the
    family of the run."""
    members = {one.name: one for one in Family.load(folder / FAMILY).manifest.members}
    for point, penalised in POINTS.items():
        if point not in members:
            raise NoSuchPoint(f"{folder} has no member {point}: was it a run of this experiment?")
        if not members[point].latencies:
            raise NoSuchPoint(f"{point} was not measured yet: run all stages in {folder}")
        yield {"point": point, "penalised": penalised, **_network(members[point])}


def _network(member: Member) -> Row:
    counts, latency = edges(member.read_architecture()), member.latencies[0]
    return {
        "counts": {name: counts[operation] for name, operation in OPERATIONS.items()},
        "parameters": member.parameters,
        "macs": member.macs,
        "test_accuracy": member.test_accuracy,
        "median_ms": latency.median_ms,
        "target": str(latency.target),
        "architecture": member.architecture,
    }


def edges(architecture: Architecture) -> Counter[str]:
    """How often every operation stands on an edge, in all cells."""
    return Counter(row.block.op for row in searched(architecture))


if __name__ == "__main__":
    main()
