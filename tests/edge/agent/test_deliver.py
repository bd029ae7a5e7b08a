from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from edge.agent import deliver as module
from edge.agent.client import HubAway, HubFails, HubForbids
from edge.agent.deliver import deliver
from edge.agent.items import Item
from edge.agent.spool import Spool
from edge.hub_api import Report, ReportAnswer
from edge.orders import FailedModel
from edge.record import MAX_RECORD_BYTES
from edge.thin import thin
from tests.edge.agent.boards import Hub, answer, client, record, refusing, subject

ORDER = "a" * 64


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(tmp_path / "spool.sqlite") as opened:
        yield opened


def items(*numbers: int) -> list[Item]:
    return [Item.of_record(record(subject(b"%d" % n, f"model {n}")), ORDER) for n in numbers]


def send(spool: Spool, hub: Hub) -> int:
    with client(hub) as to_hub:
        return deliver(spool, to_hub)


def test_records_and_failures_of_an_order_go_together(spool: Spool) -> None:
    failure = FailedModel(sha256="b" * 64, kind="oom", detail="out of memory")
    spool.add([*items(1, 2), Item.of_failure(failure, ORDER)])
    hub = Hub()
    assert send(spool, hub) == 3
    (report,) = hub.reports
    assert (report.order, report.boot_id, report.failures) == (ORDER, "boot", (failure,))
    assert list(report.records) == [item.record() for item in items(1, 2)]


def test_a_boot_is_named_only_where_there_was_one(spool: Spool) -> None:
    other = record(subject(b"3")).model_copy(
        update={"conditions": record().conditions.model_copy(update={"boot_id": "next"})}
    )
    spool.add([*items(1), Item.of_record(other, ORDER)])
    hub = Hub()
    send(spool, hub)
    assert hub.reports[0].boot_id is None


def test_an_answer_that_is_lost_loses_and_doubles_nothing(spool: Spool) -> None:
    hub = Hub()
    spool.add(items(1, 2))

    def lost(request: httpx.Request) -> httpx.Response:
        hub._take(request)
        raise httpx.ReadTimeout("no answer", request=request)

    hub.override["/v1/reports"] = lost
    with pytest.raises(HubAway):
        send(spool, hub)
    assert spool.standing().waiting == 2
    hub.override.clear()
    assert send(spool, hub) == 2
    assert hub.reports[0] == hub.reports[1]
    assert len(hub.records) == 2


def test_what_the_hub_refuses_ends_up_alone(spool: Spool) -> None:
    hub = Hub()
    spool.add(items(*range(8)))

    def picky(request: httpx.Request) -> httpx.Response:
        names = [r.subject.name for r in Report.model_validate_json(request.read()).records]
        if "model 5" in names:
            return answer(json.dumps({"detail": "not model 5"}), 422)
        return hub._take(request)

    hub.override["/v1/reports"] = picky
    assert send(spool, hub) == 7
    (letter,) = spool.dead_letters()
    assert "not model 5" in letter.reason
    assert len(hub.records) == 7
    assert spool.batch(1 << 20, 100) == []


def test_one_that_is_left_out_of_a_report_ends_up_alone_too(spool: Spool) -> None:
    hub = Hub()
    spool.add(items(*range(4)))

    def picky(request: httpx.Request) -> httpx.Response:
        report = Report.model_validate_json(request.read())
        good = [r for r in report.records if r.subject.name != "model 2"]
        hub.records.update({r.id: r for r in good})
        refused = ("record 0: 0 ms",) if len(good) < len(report.records) else ()
        return answer(ReportAnswer(id=report.id, new=0, known=0, refused=refused).to_json())

    hub.override["/v1/reports"] = picky
    assert send(spool, hub) == 3
    assert [letter.reason for letter in spool.dead_letters()] == ["record 0: 0 ms"]
    assert len(hub.records) == 3


def test_one_over_which_the_hub_breaks_down_holds_up_no_other(spool: Spool) -> None:
    hub = Hub()
    spool.add(items(*range(8)))

    def broken(request: httpx.Request) -> httpx.Response:
        if "model 5" in [
            r.subject.name for r in Report.model_validate_json(request.read()).records
        ]:
            return answer(json.dumps({"detail": "a bug"}), 500)
        return hub._take(request)

    hub.override["/v1/reports"] = broken
    for _ in range(4):  # with 8, 4, 2 and 1 of them
        with pytest.raises(HubFails):
            send(spool, hub)
    with pytest.raises(HubFails):
        send(spool, hub)
    assert len(hub.records) == 7
    assert (spool.standing().waiting, spool.standing().dead) == (1, 0)
    hub.override.clear()
    assert send(spool, hub) == 1


@pytest.mark.parametrize("status", [502, 503])
def test_an_outage_leaves_the_batch_as_it_was(spool: Spool, status: int) -> None:
    spool.add(items(1, 2))
    with pytest.raises(HubAway):
        send(spool, Hub(override={"/v1/reports": refusing(status)}))
    assert len(spool.batch(1 << 20, 100)) == 2


def test_what_cannot_be_read_back_is_set_apart(spool: Spool) -> None:
    hub = Hub()
    large = Item.of_record(record(subject(b"6", "n" * MAX_RECORD_BYTES)), ORDER)
    spool.add([*items(*range(4)), large])
    assert send(spool, hub) == 4
    assert ["larger than 4 MiB" in letter.reason for letter in spool.dead_letters()] == [True]


def test_a_record_that_is_too_large_for_the_hub_is_thinned(spool: Spool) -> None:
    hub = Hub()
    big = record(runs=5000)
    spool.add([Item.of_record(big, ORDER)])

    def small(request: httpx.Request) -> httpx.Response:
        return answer("{}", 413) if len(request.read()) > 10_000 else hub._take(request)

    hub.override["/v1/reports"] = small
    assert send(spool, hub) == 1
    assert list(hub.records.values()) == [thin(big)]


@pytest.mark.parametrize("status", [401, 403])
def test_a_bad_token_costs_nothing(spool: Spool, status: int) -> None:
    spool.add(items(1))
    with pytest.raises(HubForbids):
        send(spool, Hub(override={"/v1/reports": refusing(status)}))
    assert (spool.standing().waiting, spool.standing().dead) == (1, 0)


def test_there_is_a_pause_between_batches_alone(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_ITEMS", 2)
    spool.add(items(*range(5)))
    pauses: list[int] = []
    with client(Hub()) as to_hub:
        deliver(spool, to_hub, lambda: pauses.append(1))
    assert len(pauses) == 2  # of three batches
