from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.agent.items import Item, Standing
from edge.agent.spool import MIN_CAP_BYTES, Spool, look
from edge.orders import FailedModel
from edge.record import parse
from edge.thin import thin
from tests.edge.agent.boards import record, subject

A, B = "a" * 64, "b" * 64
LIMITS = {"max_bytes": 1 << 20, "max_items": 100}


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(tmp_path / "spool.sqlite", MIN_CAP_BYTES) as opened:
        yield opened


def items(*numbers: int, runs: int = 50, order: str | None = A) -> list[Item]:
    made = [record(subject(b"%d" % n, f"model {n}"), runs) for n in numbers]
    return [Item.of_record(one, order) for one in made]


def names(batch: list[Item]) -> list[str]:
    return [item.record().subject.name for item in batch]


def test_an_item_is_gone_only_when_it_is_acknowledged(spool: Spool) -> None:
    spool.add(items(1, 2))
    batch = spool.batch(**LIMITS)
    assert spool.batch(**LIMITS) == batch == items(1, 2)
    spool.acknowledge(batch)
    assert spool.batch(**LIMITS) == []
    assert spool.standing() == Standing(delivered=2)


def test_adding_twice_is_adding_once(spool: Spool) -> None:
    spool.add(items(1))
    spool.add(items(1, 2))
    assert spool.standing().waiting == 2


def test_it_outlives_its_process(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    with Spool(path) as first:
        first.add(items(1))
        sent = first.batch(**LIMITS)
    with Spool(path) as second:
        assert second.damaged is None
        second.add(items(0))
        assert second.batch(**LIMITS) == sent  # it may have arrived: the same again, first


def test_a_failure_is_an_item_too(spool: Spool) -> None:
    failure = FailedModel(sha256=B, kind="oom", detail="out of memory")
    spool.add([Item.of_failure(failure, A)])
    (item,) = spool.batch(**LIMITS)
    assert (item.failure(), item.order) == (failure, A)


def test_a_batch_is_of_one_order(spool: Spool) -> None:
    spool.add([*items(1), *items(2, order=B), *items(3), *items(4, order=None)])
    sent = []
    while batch := spool.batch(**LIMITS):
        assert len({item.order for item in batch}) == 1
        sent.append(names(batch))
        spool.acknowledge(batch)
    assert sent == [["model 1", "model 3"], ["model 2"], ["model 4"]]


def test_summaries_go_before_raw_samples(spool: Spool) -> None:
    spool.add(items(1, runs=9000))  # 3 x 9000 runs of 8 bytes: 216 kB
    spool.add(items(2, runs=51))
    spool.add(items(3))
    sent = []
    while batch := spool.batch(max_bytes=1, max_items=100):
        sent += names(batch)
        spool.acknowledge(batch)
    assert sent == ["model 3", "model 2", "model 1"]


def test_a_batch_has_bounds(spool: Spool) -> None:
    spool.add(items(*range(10)))
    each = spool.standing().waiting_bytes // 10
    assert len(spool.batch(max_bytes=3 * each + 10, max_items=100)) == 3
    spool.acknowledge(spool.batch(**LIMITS))
    assert len(spool.batch(max_bytes=1 << 20, max_items=2)) == 2


def test_at_the_cap_the_oldest_records_are_thinned_and_none_is_lost(spool: Spool) -> None:
    for n in range(8):  # of 216 kB each; the cap is 1 MiB
        spool.add(items(n, runs=9000))
    standing = spool.standing()
    assert (standing.waiting, standing.thinned, standing.dropped) == (8, 4, 0)
    assert standing.waiting_bytes <= MIN_CAP_BYTES
    sent = []
    while batch := spool.batch(**LIMITS):
        sent += batch
        spool.acknowledge(batch)
    raw = [item.record() for item in items(*range(8), runs=9000)]
    assert [item.record() for item in sent[:4]] == [thin(one) for one in raw[:4]]
    assert sorted(names(sent)) == [f"model {n}" for n in range(8)]


def test_when_all_is_thin_the_oldest_are_dropped_and_counted(spool: Spool) -> None:
    each = len(items(0)[0].content) + 300
    fit = MIN_CAP_BYTES // each
    spool.add(items(*range(1000, 1000 + fit + 5)))
    standing = spool.standing()
    assert (standing.waiting, standing.dropped) == (fit, 5)
    assert names(spool.batch(max_bytes=1, max_items=1)) == ["model 1005"]


def test_an_application_cannot_push_out_what_was_ordered(spool: Spool) -> None:
    spool.add(items(1))
    each = len(items(1000)[0].content) + 300
    spool.add(items(*range(1000, 1005 + MIN_CAP_BYTES // each), order=None))
    assert spool.holds(A)


def test_what_may_have_arrived_is_neither_thinned_nor_dropped(spool: Spool) -> None:
    spool.add(items(1, runs=9000))
    sent = spool.batch(**LIMITS)
    for n in range(2, 9):
        spool.add(items(n, runs=9000))
    assert spool.batch(**LIMITS) == sent == items(1, runs=9000)


def test_a_record_larger_than_the_cap_is_thinned(spool: Spool) -> None:
    big = record(runs=60_000)  # 3 x 60,000 x 8 = 1.4 MB
    spool.add([Item.of_record(big, A)])
    (item,) = spool.batch(**LIMITS)
    assert item.record() == thin(big)


def test_a_record_larger_than_its_format_allows_is_thinned() -> None:
    big = record(runs=200_000)  # 4.8 MB, of 4 MiB
    assert parse(Item.of_record(big, A).content) == thin(big)


def test_a_refused_item_is_a_dead_letter_and_the_first_to_go(spool: Spool) -> None:
    spool.add(items(1, 2))
    first, second = spool.batch(**LIMITS)
    spool.refuse(first, "HTTP 422: no")
    assert spool.batch(**LIMITS) == [second]
    (letter,) = spool.dead_letters()
    assert (letter.id, letter.order, letter.reason) == (first.id, A, "HTTP 422: no")
    for n in range(3, 9):
        spool.add(items(n, runs=9000, order=B))
    assert spool.dead_letters() == []
    assert spool.standing().dropped == 1


def test_halves_of_a_batch_are_the_next_ones(spool: Spool) -> None:
    spool.add(items(1, 2, 3))
    spool.split(spool.batch(**LIMITS))
    assert names(spool.batch(**LIMITS)) == ["model 1", "model 2"]
    spool.split(spool.batch(**LIMITS))
    assert names(spool.batch(**LIMITS)) == ["model 1"]
    spool.acknowledge(spool.batch(**LIMITS))
    assert names(spool.batch(**LIMITS)) == ["model 3"]
    spool.acknowledge(spool.batch(**LIMITS))
    assert names(spool.batch(**LIMITS)) == ["model 2"]


def test_what_is_postponed_goes_last_and_takes_turns(spool: Spool) -> None:
    spool.add(items(1, 2, 3, 4))
    spool.split(spool.batch(**LIMITS))
    spool.split(spool.batch(**LIMITS))
    for _ in range(2):
        (first,) = spool.batch(**LIMITS)
        spool.postpone(first)
        spool.split(spool.batch(**LIMITS))
    spool.add(items(5))
    for name in ("model 2", "model 4", "model 5"):
        assert names(spool.batch(**LIMITS)) == [name]
        spool.acknowledge(spool.batch(**LIMITS))
    for name in ("model 1", "model 3", "model 1"):
        (last,) = spool.batch(**LIMITS)
        assert names([last]) == [name]
        spool.postpone(last)


def test_it_holds_an_order_until_the_hub_does(spool: Spool) -> None:
    spool.add(items(1))
    assert (spool.holds(A), spool.holds(B)) == (True, False)
    spool.acknowledge(spool.batch(**LIMITS))
    assert not spool.holds(A)


def test_a_dead_letter_does_not_hold_its_order_and_goes_when_it_is_measured_again(
    spool: Spool,
) -> None:
    spool.add([*items(1), *items(2, order=None)])
    while batch := spool.batch(**LIMITS):
        spool.refuse(batch[0], "HTTP 422: no")
    assert (spool.holds(A), spool.refused(A), spool.refused(B)) == (False, True, False)
    spool.add(items(1))  # the same content
    assert (spool.holds(A), spool.refused(A)) == (True, False)
    assert [letter.order for letter in spool.dead_letters()] == [None]


def test_all_or_nothing_where_the_disk_refuses(spool: Spool) -> None:
    def broken() -> Iterator[Item]:
        yield from items(1)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        spool.add(broken())
    assert spool.standing().waiting == 0


@pytest.mark.parametrize("page", [0, 2])
def test_a_damaged_database_is_set_aside_and_replaced(tmp_path: Path, page: int) -> None:
    path = tmp_path / "spool.sqlite"
    with Spool(path) as spool:
        spool.add(items(1, runs=5000))
    content = bytearray(path.read_bytes())
    content[4096 * page : 4096 * page + 3000] = b"\xff" * 3000
    path.write_bytes(content)
    with Spool(path) as spool:
        assert spool.damaged == tmp_path / "spool.sqlite.damaged"
        assert spool.damaged.read_bytes()[4096:] == content[4096:]
        spool.add(items(2))
        assert names(spool.batch(**LIMITS)) == ["model 2"]


@pytest.mark.parametrize("damage", [b"7", b"\xff"])
def test_an_item_that_rotted_on_the_disk_is_dropped(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "spool.sqlite"
    with Spool(path) as spool:
        spool.add(items(1, runs=5000))
        spool.add(items(2))
    content = bytearray(path.read_bytes())
    content[42_000:43_000] = damage * 1000  # inside a page, amid the samples of the first
    path.write_bytes(content)
    with Spool(path) as spool:
        assert spool.damaged is None
        assert names(spool.batch(**LIMITS)) == ["model 2"]
        assert spool.standing().dropped == 1


def test_it_can_be_looked_at_while_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    with Spool(path) as spool:
        spool.add(items(1))
        assert look(path) == (spool.standing(), [])


def test_where_there_is_none_looking_makes_none(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.Error):
        look(tmp_path / "spool.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_room_goes_back_to_the_disk_when_all_arrived(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    with Spool(path) as spool:
        for n in range(10):
            spool.add(items(n, runs=9000))
        while batch := spool.batch(**LIMITS):
            spool.acknowledge(batch)
    assert path.stat().st_size < 100_000
