"""The balance notices what it is for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from edge.agent.database import damaged_copy
from edge.agent.items import Item
from tests.edge.agent.boards import record
from tests.soak.balance import Account, Arrived, account, whole
from tests.soak.witness import Seen, WitnessedSpool, read_witness, witness_of

SEEN = [
    Seen(step, serial, (f"raw-{serial}", f"thin-{serial}"))
    for serial in ("1", "2", "picture")
    for step in ("adding", "added")
]
ARRIVED = [
    Arrived("1", "raw-1", (7, "model")),
    Arrived("2", "thin-2", (7, "other model")),
    Arrived("picture", "raw-picture"),
]


def balanced(
    arrived: Sequence[Arrived] = ARRIVED, seen: Sequence[Seen] = SEEN, dropped: int = 0
) -> Account:
    return account(seen, {"picture"}, arrived, dropped)


def test_an_even_balance() -> None:
    assert balanced() == Account(made=3, arrived=3, lost=0, duplicated=0, twice=0, altered=0)


@pytest.mark.parametrize("one", ARRIVED)
def test_a_record_that_did_not_arrive_is_lost(one: Arrived) -> None:
    rest = [other for other in ARRIVED if other is not one]
    assert balanced(rest) == Account(made=3, arrived=2, lost=1, duplicated=0, twice=0, altered=0)


def test_what_a_full_spool_dropped_is_not() -> None:
    assert balanced(ARRIVED[1:], dropped=1).lost == 0


def test_what_was_dropped_does_not_hide_what_is_lost() -> None:
    assert balanced(ARRIVED[2:], dropped=1).lost == 1


def test_what_an_application_left_is_lost_even_if_no_spool_ever_held_it() -> None:
    assert balanced(ARRIVED[:2], SEEN[:4]).lost == 1


def test_a_kill_between_spool_and_witness_is_no_loss() -> None:
    """Nobody can say whether the spool held the record: it counts as made where it arrived."""
    assert balanced(ARRIVED, SEEN[:-1]) == balanced()
    assert balanced(ARRIVED[1:], SEEN[:1] + SEEN[2:]).made == 2


def test_one_measurement_as_two_records_is_duplicated() -> None:
    again = Arrived("1", "thin-1")
    assert balanced([*ARRIVED, again]).duplicated == 1


def test_a_model_that_was_measured_again_for_its_order_is_counted_apart() -> None:
    seen = [*SEEN, Seen("added", "3", ("raw-3", "thin-3"))]
    again = Arrived("3", "raw-3", (7, "model"))
    assert balanced([*ARRIVED, again], seen) == Account(4, 4, 0, 0, twice=1, altered=0)


def test_a_record_that_no_board_made_is_altered() -> None:
    assert balanced([*ARRIVED[:2], Arrived("picture", "another")]).altered == 1


def test_a_spool_is_witnessed(tmp_path: Path) -> None:
    made = record(runs=200)
    path = tmp_path / "spool.sqlite"
    with WitnessedSpool(path, 1 << 20) as spool:
        spool.add([Item.of_record(made, "order")])
    told = list(read_witness(witness_of(path)))
    assert [one.step for one in told] == ["adding", "added"]
    assert {one.serial for one in told} == {"model"}
    assert made.id in told[0].ids


def test_a_spool_that_was_set_aside_is_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    WitnessedSpool(path, 1 << 20).close()
    assert whole(path)
    damaged_copy(path).touch()
    assert not whole(path)


def test_a_database_with_a_torn_page_is_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    WitnessedSpool(path, 1 << 20).close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 200)
    assert not whole(path)
