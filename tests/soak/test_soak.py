"""The soak in short: what `make soak` does with a thousand kills."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.soak.__main__ import text
from tests.soak.balance import Account, Disks
from tests.soak.soak import Balance, Plan, Soak

EVEN = Balance(
    plan=Plan(kills=100),
    kills=Counter(board=90, hub=10),
    reboots=9,
    outages=2,
    cuts=50,
    died=0,
    took_s=90.0,
    disks=Disks(
        account=Account(made=40, arrived=39, lost=0, duplicated=0, twice=0, altered=0),
        orders=20,
        unfinished=0,
        waiting=0,
        thinned=7,
        dropped=1,
        refused=0,
        blocked=2,
        failed=0,
        damaged=(),
    ),
)


@pytest.mark.slow
def test_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    plan = Plan(kills=25, boards=4, seed=2, every_s=0.1)
    balance = asyncio.run(Soak(plan, tmp_path).run())
    assert balance.even, text(balance)
    assert balance.kills.total() == 25
    assert balance.disks.account.arrived > 0


@pytest.mark.parametrize("wrong", ["lost", "duplicated", "twice", "altered"])
def test_a_record_that_is_not_where_it_belongs_makes_the_balance_uneven(wrong: str) -> None:
    assert EVEN.even
    account = replace(EVEN.disks.account, **{wrong: 1})
    assert not replace(EVEN, disks=replace(EVEN.disks, account=account)).even


@pytest.mark.parametrize("wrong", ["unfinished", "waiting", "refused", "failed"])
def test_so_does_what_is_left(wrong: str) -> None:
    assert not replace(EVEN, disks=replace(EVEN.disks, **{wrong: 1})).even


def test_so_do_a_damaged_database_and_a_process_that_ended_by_itself() -> None:
    assert not replace(EVEN, disks=replace(EVEN.disks, damaged=("spool.sqlite",))).even
    assert not replace(EVEN, died=1).even


def test_the_balance_is_printed() -> None:
    lines = dict(line.split(maxsplit=1) for line in text(EVEN).splitlines())
    assert lines["Kills"] == "100, 10 of them of the hub, in 1.5 min"
    assert lines["Records"] == "40 made, 39 arrived, 0 waiting"
    assert lines["Lost"] == "0"
    assert lines["Integrity"] == "ok, of all databases"
