import hashlib
import json

import pytest
from sqlalchemy import select

from edge.hub import reports
from edge.hub.tables import StoredRecord
from edge.hub_api import Report
from edge.orders import FailedModel


@pytest.fixture
def order(operator, device, make):
    """Of two models, given to the device."""
    operator.put(b"one")
    operator.put(b"two!")
    order = make.order(b"one", b"two!")
    assert operator.order(order).status_code == 200
    return order


def status(operator, order):
    found = operator.call("GET", f"/v1/orders/{order.id}", params={"device": "pi"}).json()
    return found["state"], found["measured"], [f["kind"] for f in found["failures"]]


def answer(device, report):
    got = device.report(report)
    assert got.status_code == 200, got.text
    return got.json()


def test_a_report_is_kept_once_and_answered_always(device, operator, order, make):
    report = make.report(order)
    first = answer(device, report)
    assert first == {"id": report.id, "new": 2, "known": 0, "refused": []}
    assert answer(device, report) == {"id": report.id, "new": 0, "known": 2, "refused": []}
    assert [m.id for m in operator.records()] == [m.id for m in report.records]
    assert status(operator, order) == ("done", 2, [])


def test_an_order_may_take_several_reports_in_any_order(device, operator, order, make):
    whole = make.report(order)
    halves = [whole.model_copy(update={"records": (m,)}) for m in reversed(whole.records)]
    answer(device, halves[0])
    assert status(operator, order) == ("open", 1, [])
    answer(device, halves[1])
    assert status(operator, order) == ("done", 2, [])
    assert answer(device, whole) == {"id": whole.id, "new": 0, "known": 2, "refused": []}


def test_a_record_twice_in_a_report_is_one(device, order, make):
    report = make.report(order, 1, 1)
    assert (len(report.records), answer(device, report)["new"]) == (4, 2)


def test_failures_end_an_order_and_a_record_ends_a_failure(device, operator, order, make):
    records = make.report(order).records
    failure = FailedModel(sha256=records[0].subject.sha256, kind="crash", detail="SIGSEGV")
    answer(device, Report(order=order.id, records=records[1:], failures=(failure,)))
    assert status(operator, order) == ("done", 1, ["crash"])
    answer(device, Report(order=order.id, records=records[:1]))
    assert status(operator, order) == ("done", 2, [])


def test_a_failure_may_hold_what_a_database_does_not(device, operator, order):
    """What a crashed worker said last; the report of an old agent must not block all behind it."""
    sha256 = order.models[0].subject.sha256
    failure = FailedModel(sha256=sha256, kind="crash", detail="No\0such\nthing")
    assert answer(device, Report(order=order.id, failures=(failure,)))["refused"] == []
    found = operator.call("GET", f"/v1/orders/{order.id}", params={"device": "pi"}).json()
    assert [f["detail"] for f in found["failures"]] == ["No\ufffdsuch\nthing"]


@pytest.mark.parametrize(
    "database", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
def test_what_a_database_does_not_take_is_malformed_not_a_failure_of_the_hub(device, make):
    record = make.record(make.subject("a" * 64), target={"device": "a\0b"})
    got = device.report(Report(records=(record,)))
    assert (got.status_code, "the database does not take it" in got.json()["detail"]) == (422, True)


def test_arrival_is_the_cursor(device, operator, order, make):
    for seed in range(5):
        answer(device, make.report(order, seed))
    ids = [m.id for m in operator.records()]
    assert len(ids) == 10
    pages, after = [], 0
    while after is not None:
        found = operator.call("GET", "/v1/records", params={"after": after, "limit": 3}).json()
        pages.append(len(found["records"]))
        after, last = found["next"], after
    assert (pages, last) == ([3, 3, 3, 1, 0], 10)
    one = operator.records(order=order.id, device="pi", after=7)
    assert [m.id for m in one] == ids[7:]


def test_a_page_of_records_is_bounded_by_bytes(device, operator, order, make, monkeypatch):
    answer(device, make.report(order))
    monkeypatch.setattr(reports, "MAX_PAGE_BYTES", 1)
    found = operator.call("GET", "/v1/records").json()
    assert (len(found["records"]), found["next"]) == (1, 1)


def test_records_of_nobody_are_not_found(operator, device):
    assert operator.call("GET", "/v1/records", params={"device": "x"}).status_code == 404
    assert operator.call("GET", "/v1/records", params={"order": "0" * 64}).status_code == 404
    assert operator.records(device="pi") == []


def test_the_hub_stamps_the_arrival(world, device, order, make):
    report = make.report(order)
    world.passes(days=2)
    answer(device, report)
    with world.hub.store.reading() as session:
        from edge.hub.tables import StoredReport

        assert session.scalars(select(StoredReport.arrived_at)).all() == [
            "2026-03-03T12:00:00+00:00"
        ]


def test_an_altered_report_is_refused(device, operator, order, make):
    report, other = make.report(order, 1), make.report(order, 2)
    for key in (other.id, "", "x" * 64, report.id.upper()):
        got = device.report(report, **{"Idempotency-Key": key})
        assert (got.status_code, "altered" in got.json()["detail"]) == (422, True)
    without = device.call("POST", "/v1/reports", content=report.to_json())
    assert without.status_code == 422
    assert operator.records() == []


def test_the_id_is_of_the_content_not_of_its_spelling(device, order, make):
    report = make.report(order)
    spelt = json.dumps(json.loads(report.to_json()), indent=3)
    got = device.call("POST", "/v1/reports", content=spelt, headers={"Idempotency-Key": report.id})
    assert got.json()["new"] == 2
    assert hashlib.sha256(report.to_json().encode()).hexdigest() == report.id


def test_an_order_of_another_device_is_none(world, order, make):
    got = world.device("other").report(make.report(order))
    assert (got.status_code, "none of this device" in got.json()["detail"]) == (422, True)


WRONG = {
    "another model": ({"subject": {"sha256": "0" * 64}}, "names no such model"),
    "relabelled": ({"subject": {"name": "better"}}, "is something else"),
    "runtime": ({"target": {"runtime": "litert"}}, "ordered with 'onnxruntime'"),
    "precision": ({"target": {"precision": "int8"}}, "ordered with 'fp32'"),
    "threads": ({"target": {"threads": 4}}, "measured with threads 4, ordered with 1"),
    "batch": ({"target": {"batch": 8}}, "measured with batch 8, ordered with 1"),
    "warm-up": ({"warmup_ns": [-1]}, "warm-up"),
    "a huge warm-up": ({"warmup_ns": [10**40]}, "warm-up"),
    "heat": ({"conditions": {"temperature_c_after": 1000}}, "temperature outside -100 .. 200"),
    "clock": ({"conditions": {"clock_mhz_before": 1e9}}, "clock outside"),
    "load": ({"conditions": {"other_cpu_load": 1.5}}, "load of others outside 0 .. 1"),
    "memory": ({"peak_memory_bytes": -1}, "peak memory outside"),
    "a long name": ({"target": {"runtime_version": "9" * 301}}, "300 characters"),
    "reasons": ({"reasons": ["x"] * 51}, "50 reasons"),
}


@pytest.mark.parametrize(("changed", "why"), WRONG.values(), ids=WRONG)
def test_a_record_that_cannot_be_is_refused_and_the_others_stay(
    device, operator, order, make, changed, why
):
    good, other = make.report(order).records
    data = other.model_dump()
    for name, value in changed.items():
        data[name] = {**data[name], **value} if isinstance(value, dict) else value
    report = Report.model_validate({"order": order.id, "records": [good, data]})
    got = answer(device, report)
    assert (got["new"], len(got["refused"])) == (1, 1)
    assert got["refused"][0].startswith("record 1 (")
    assert why in got["refused"][0]
    assert [m.id for m in operator.records()] == [good.id]
    assert answer(device, report)["refused"] == got["refused"]


def test_a_refused_record_is_a_failed_model_or_it_would_be_measured_for_ever(
    device, operator, order, make
):
    good, other = make.report(order).records
    data = other.model_dump() | {"warmup_ns": [-1]}
    answer(device, Report.model_validate({"order": order.id, "records": [good, data]}))
    assert status(operator, order) == ("done", 1, ["rejected"])
    answer(device, Report(order=order.id, records=(other,)))
    assert status(operator, order) == ("done", 2, [])


def test_failures_of_other_models_are_refused(device, operator, order):
    failure = FailedModel(sha256="0" * 64, kind="oom", detail="")
    got = answer(device, Report(order=order.id, failures=(failure,)))
    assert got["refused"] == [f"failure 0 ({'0' * 64}): the order names no such model"]
    assert status(operator, order) == ("open", 0, [])


def test_applications_own_times_need_no_order(device, operator, make):
    record = make.record(make.subject("a" * 64))
    failure = FailedModel(sha256="a" * 64, kind="oom", detail="")
    got = answer(device, Report(records=(record,), failures=(failure,)))
    assert (got["new"], len(got["refused"])) == (1, 1)
    assert [m.id for m in operator.records(device="pi")] == [record.id]


def elsewhere(record, device="NVIDIA Jetson Orin"):
    target = record.target.model_copy(update={"device": device})
    return record.model_copy(update={"target": target})


def test_a_device_moves_no_table_of_another(device, operator, make):
    device.beat(device=make.device)
    record = make.record(make.subject("a" * 64))
    got = answer(device, Report(records=(elsewhere(record), record)))
    (refused,) = got["refused"]
    assert "measured on 'NVIDIA Jetson Orin', and this token is that of 'Raspberry Pi" in refused
    assert "facet hub add-device" in refused
    assert [m.id for m in operator.records()] == [record.id]


def test_an_order_is_still_open_where_another_device_measured_it(device, operator, order, make):
    """A card was moved to another board with what was not sent yet: the new one measures."""
    device.beat(device=make.device)
    good, other = make.report(order).records
    assert len(answer(device, Report(order=order.id, records=(elsewhere(good),)))["refused"]) == 1
    assert status(operator, order) == ("open", 0, [])
    assert answer(device, Report(order=order.id, records=(good, other)))["refused"] == []
    assert status(operator, order) == ("done", 2, [])


def test_before_a_heartbeat_a_token_is_of_the_device_of_its_first_record(device, operator, make):
    record = make.record(make.subject("a" * 64))
    first = answer(device, Report(records=(record, elsewhere(record))))
    assert (first["new"], len(first["refused"])) == (1, 1)
    assert len(answer(device, Report(records=(elsewhere(record),)))["refused"]) == 1
    assert device.beat(device="NVIDIA Jetson Orin").json()["quarantined"] is not None


def test_a_number_that_no_json_has_is_never_kept(device, operator, make):
    record = make.record(make.subject("a" * 64, architecture={"x": None}))
    report = Report(records=(record,))
    spelt = report.to_json().replace('{"x":null}', '{"x":NaN}')
    assert "NaN" in spelt
    headers = {"Idempotency-Key": report.id}
    assert device.call("POST", "/v1/reports", content=spelt, headers=headers).json()["new"] == 1
    assert "NaN" not in operator.call("GET", "/v1/records").text
    assert [m.id for m in operator.records()] == [record.id]


def test_simulated_devices_are_kept_and_flagged(world, device, operator, make):
    record = make.record(make.subject("a" * 64), target={"device": "Pi 5 (emulated), 4 cores"})
    assert answer(device, Report(records=(record,)))["new"] == 1
    assert len(operator.records()) == 1
    with world.hub.store.reading() as session:
        assert session.scalars(select(StoredRecord.simulated)).all() == [True]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_disk_that_is_full_acknowledges_nothing(world, device, operator, order, make):
    report = make.report(order, *range(40))
    with world.hub.store.reading() as session:
        pages = session.connection().exec_driver_sql("PRAGMA page_count").scalar()

    from sqlalchemy import event

    def full(connection, _record, _proxy):
        connection.execute(f"PRAGMA max_page_count = {pages + 1}")

    engine = world.hub.store._engine
    engine.dispose()
    event.listen(engine, "checkout", full)
    got = device.report(report)
    assert (got.status_code, got.headers["Retry-After"]) == (503, "30")
    assert "full" in got.json()["detail"]
    event.remove(engine, "checkout", full)
    engine.dispose()
    assert operator.records() == []
    assert answer(device, report)["new"] == 80


def test_many_refusals_are_counted(device, order):
    failures = [FailedModel(sha256="0" * 64, kind="oom", detail=str(n)) for n in range(150)]
    refused = answer(device, Report(order=order.id, failures=tuple(failures)))["refused"]
    assert (len(refused), refused[-1]) == (101, "and 50 more")
