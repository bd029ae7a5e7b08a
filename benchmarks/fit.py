"""`make bench-fit`: what it costs to calibrate a table with many records."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timezone
from statistics import median

import click
import numpy as np

from edge.calibration import fit
from edge.device import describe
from edge.networks import Measured
from edge.record import Conditions, Measurement, Subject, Target
from edge.spec import Architecture, BlockSpec, Row
from edge.table import Table, TableRow

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
OPERATIONS = tuple(
    f"mbconv_k{kernel}_e{expansion}" for kernel in (3, 5) for expansion in range(1, 5)
)
MADE_UP = Target(
    device="made up", runtime="none", runtime_version="1", provider="cpu", precision="fp32",
    threads=1,
)  # fmt: skip


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--records", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--decisions", type=click.IntRange(1), default=25, show_default=True)
@click.option("--repeats", type=click.IntRange(1), default=15, show_default=True)
def main(records: int, decisions: int, repeats: int) -> None:
    """Fit a table of 8 blocks per decision with made-up records, each of another network.

    The first fit also names the networks and the records; later ones find the names.
    """
    table = made_up_table(decisions)
    networks = list(made_up_networks(table, records, decisions, np.random.default_rng(0)))
    seconds = []
    for _ in range(repeats + 1):
        began = time.process_time()
        fit(table, networks, now=NOW)
        seconds.append(time.process_time() - began)
    first, *later = (1e3 * s for s in seconds)
    click.echo(f"{describe().fingerprint}: {records} records, {len(table.rows)} blocks")
    click.echo(
        f"first fit {first:.0f} ms of CPU, later ones {min(later):.0f} to {max(later):.0f}, "
        f"median {median(later):.0f}"
    )


def made_up_table(decisions: int) -> Table:
    """Every operation at every decision, which has a width of its own."""
    rows = {
        _block(op, place).key: TableRow(ms, 0.9 * ms, 1.1 * ms, 9, "clean", NOW.isoformat())
        for place in range(decisions)
        for ms, op in enumerate(OPERATIONS, start=1)
    }
    return Table(MADE_UP, 0.5, rows)


def made_up_networks(
    table: Table, records: int, decisions: int, rng: np.random.Generator
) -> Iterator[Measured]:
    """Random networks, a tenth slower than the table says, measured with 3 % of noise."""
    for number in range(records):
        ops = rng.choice(OPERATIONS, decisions)
        rows = (Row(f"b{i}", _block(op, i), searched=True) for i, op in enumerate(ops))
        architecture = Architecture("mbconv", (1, 28, 28), 10, tuple(rows))
        ms = 1.1 * table.sum_ms(architecture) * (1 + 0.03 * rng.standard_normal())
        yield (
            architecture,
            Measurement(
                subject=Subject(kind="network", name=f"n{number}", sha256="0" * 64),
                target=MADE_UP,
                conditions=Conditions(wall_time=NOW.isoformat()),
                warmup_ns=(),
                samples_ns=((round(1e6 * ms),),),
                verdict="clean",
            ),
        )


def _block(op: str, place: int) -> BlockSpec:
    width = 8 * (place + 1)
    return BlockSpec(op, width, width, 14, 14)


if __name__ == "__main__":
    main()
