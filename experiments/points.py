"""The source's experiment: cells of three operations at four points of the simplex.

``python -m experiments.points FOLDER`` reads what the pipeline left in FOLDER after a run of
presets/cell.yaml, and prints a Markdown table beside the figures that the source published.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from edge.spec import Architecture
from pipeline.members import TRAINED_FILE, TrainedMember, read_trained
from pipeline.plots import MEMBERS
from pipeline.report.architectures import searched

OPERATIONS = {"conv": "relu_conv_k3", "pool": "max_pool_bn_k3", "identity": "skip"}


@dataclass(frozen=True)
class Published:
    """Of one point on Fashion-MNIST: the operation penalised, test accuracy, thousands of
    parameters."""

    penalised: str | None
    accuracy_percent: float
    parameters_k: float


POINTS = {  # of extract.points; S. Firsov, 2024, three operations
    "uniform": Published(None, 82.5, 38),
    "few-conv": Published("conv", 79.2, 5),
    "few-pool": Published("pool", 85.0, 143),
    "few-skip": Published("identity", 81.4, 12),
}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
def main(folder: Path) -> None:
    """Print the members of FOLDER at the four points of the source, beside its figures."""
    members = {one.name: one for one in read_trained(folder / TRAINED_FILE)}
    for line in table(members, medians_ms(folder / MEMBERS)):
        click.echo(line)


def medians_ms(path: Path) -> dict[str, float]:
    """The measured median of every member on the first target that the file names; none before
    the stage verify."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["name"]: float(row["measured_ms"]) for row in reversed(rows)}


def table(members: Mapping[str, TrainedMember], median_ms: Mapping[str, float]) -> Iterator[str]:
    """Its lines. A point whose network is that of another member has none of its own."""
    yield _line(
        *("point", "conv", "pool", "identity", "params k", "test %", "median ms"),
        *("source: params k", "test %"),
    )
    yield _line(*["---"] * 9)
    for name, published in POINTS.items():
        theirs = (f"{published.parameters_k:g}", f"{published.accuracy_percent:.1f}")
        member = members.get(name)
        if member is None:
            yield _line(name, *["–"] * 6, *theirs)
            continue
        counts = edges(member.read_architecture())
        yield _line(
            name,
            *(str(counts[op]) for op in OPERATIONS.values()),
            f"{member.parameters / 1e3:.1f}",
            f"{100 * member.test_accuracy:.1f}",
            f"{median_ms[name]:.3f}" if name in median_ms else "–",
            *theirs,
        )


def edges(architecture: Architecture) -> Counter[str]:
    """How often every operation stands on an edge, in all cells."""
    return Counter(row.block.op for row in searched(architecture))


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
