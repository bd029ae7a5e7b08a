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
import yaml

from benchmarks.rows import Row, as_lines
from edge.errors import EdgeError
from edge.family import Family, Member
from edge.files import write_atomic
from edge.spec import Architecture
from pipeline.params import PARAMS_FILE
from pipeline.report.architectures import searched
from pipeline.store import content_key
from pipeline.verify import FAMILY_FOLDER

PROTOCOL = Path("experiments/cell/run.yaml")
ROWS = Path("experiments/cell/points.jsonl")
OPERATIONS = {"conv": "relu_conv_k3", "pool": "max_pool_bn_k3", "identity": "skip"}
POINTS = {"uniform": None, "few-conv": "conv", "few-pool": "pool", "few-skip": "identity"}
"""The points of extract.points, and the operation that each of them penalises."""


class NotThisExperiment(EdgeError, ValueError):
    """A run of something else, or one that is not finished."""


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


def rows(folder: Path, protocol: Path = PROTOCOL) -> Iterator[Row]:
    """One of every point, in the order of the source. A point that found the network of an earlier
    one has no member of its own, and a row without figures. Raises NotThisExperiment, or what is
    wrong with the family of the run."""
    if (folder / PARAMS_FILE).read_bytes() != protocol.read_bytes():
        raise NotThisExperiment(
            f"{folder} is no run of {protocol}: "
            f"python -m pipeline smoke --preset {protocol} --into {folder}"
        )
    key = protocol_key(protocol)
    members = {one.name: one for one in Family.load(folder / FAMILY_FOLDER).manifest.members}
    for point, penalised in POINTS.items():
        row: Row = {"point": point, "penalised": penalised, "protocol": key}
        yield {**row, **_network(members[point])} if point in members else row


def protocol_key(protocol: Path = PROTOCOL) -> str:
    """Of all that the protocol says, its comments apart."""
    return content_key(yaml.safe_load(protocol.read_text(encoding="utf-8")))


def _network(member: Member) -> Row:
    if not member.latencies:
        raise NotThisExperiment(f"{member.name} is not measured yet: run all stages first")
    counts, latency = edges(member.read_architecture()), member.latencies[0]
    return {
        "counts": {name: counts[operation] for name, operation in OPERATIONS.items()},
        "parameters": member.parameters,
        "macs": member.macs,
        "test_accuracy": member.test_accuracy,
        "median_ms": latency.median_ms,
        "verdict": latency.verdict,
        "target": str(latency.target),
        "architecture": member.architecture,
    }


def edges(architecture: Architecture) -> Counter[str]:
    """How often every operation stands on an edge, in all cells."""
    return Counter(row.block.op for row in searched(architecture))


if __name__ == "__main__":
    main()
