"""`make soak`: kill boards and hub a thousand times, and count what is lost."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import click

from edge.progress import Steps
from edge.text import facts
from tests.soak.soak import Balance, Plan, Soak


@click.command()
@click.option("--kills", default=Plan.kills, show_default=True, help="SIGKILLs of boards and hub.")
@click.option("--boards", default=Plan.boards, show_default=True)
@click.option("--seed", default=Plan.seed, show_default=True)
@click.option("--every", "every_s", default=Plan.every_s, show_default=True, help="Seconds.")
@click.option("--keep", type=click.Path(path_type=Path), help="An empty folder, to look at later.")
def main(keep: Path | None, **plan: int | float) -> None:
    """Boards and a hub, killed at random moments, with a network between them that fails.

    Exit code 1 where the balance is not even.
    """
    with tempfile.TemporaryDirectory() as folder, Steps() as steps:
        soak = Soak(Plan(**plan), keep or Path(folder), steps)  # type: ignore[arg-type]
        balance = asyncio.run(soak.run())
    click.echo(text(balance))
    sys.exit(0 if balance.even else 1)


def text(balance: Balance) -> str:
    """The balance in lines."""
    disks, account = balance.disks, balance.disks.account
    return facts(
        {
            "Kills": f"{balance.kills.total()}, {balance.kills['hub']} of them of the hub, "
            f"in {balance.took_s / 60:.1f} min",
            "Boards": f"{balance.plan.boards}, seed {balance.plan.seed}; "
            f"{balance.reboots} reboots, {balance.outages} outages, "
            f"{balance.cuts} connections cut",
            "Orders": f"{disks.orders}, {disks.unfinished} unfinished",
            "Records": f"{account.made} made, {account.arrived} arrived, {disks.waiting} waiting",
            "Lost": str(account.lost),
            "Duplicated": f"{account.duplicated}; measured twice: {account.twice}",
            "Altered": f"{account.altered}; refused: {disks.refused}",
            "Spools": f"{disks.thinned} records thinned, {disks.dropped} dropped",
            "Models": f"{disks.blocked} blocked by three kills, {disks.failed} failed",
            "Ended by itself": f"{balance.died} processes",
            "Integrity": ", ".join(disks.damaged) or "ok, of all databases",
        }
    )


if __name__ == "__main__":
    main()
