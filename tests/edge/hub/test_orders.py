import json

import pytest

from edge.hub import jobs
from edge.hub_api import Report
from edge.orders import FailedModel


def orders(device):
    return [o["purpose"] for o in device.call("GET", "/v1/orders").json()["orders"]]


def test_missing_model_files_are_listed(device, operator, make):
    order = make.order(b"one", b"two!")
    have = operator.put(b"one")
    got = operator.order(order)
    missing = [m.subject.sha256 for m in order.models if m.subject.sha256 != have]
    assert (got.status_code, got.json()["missing"]) == (409, missing)
    operator.put(b"two!")
    assert operator.order(order).json() == {
        "id": order.id,
        "device": "pi",
        "state": "open",
        "models": 2,
        "measured": 0,
        "failures": [],
        "device_state": "never seen",
        "last_seen": None,
    }


def test_the_same_order_is_the_same_job_for_each_device(world, device, operator, make):
    other = world.device("other")
    operator.put(b"one")
    order = make.order(b"one")
    for name in ("pi", "pi", "other"):
        assert operator.order(order, name).status_code == 200
    assert (orders(device), orders(other)) == (["verify"], ["verify"])
    device.report(make.report(order))
    assert (orders(device), orders(other)) == ([], ["verify"])
    assert operator.order(order, "pi").json()["state"] == "done"


def test_the_oldest_eight_are_told(device, operator, make):
    operator.put(b"one")
    for number in range(10):
        operator.order(make.order(b"one", purpose=f"p{number}"))
    assert orders(device) == [f"p{number}" for number in range(8)]


def test_orders_are_told_up_to_their_size(device, operator, make, monkeypatch):
    operator.put(b"one")
    for number in range(3):
        operator.order(make.order(b"one", purpose=f"p{number}"))
    size = len(make.order(b"one", purpose="p0").to_json())
    monkeypatch.setattr(jobs, "MAX_ORDER_BYTES", 2 * size)
    assert orders(device) == ["p0", "p1"]
    monkeypatch.setattr(jobs, "MAX_ORDER_BYTES", 1)
    assert orders(device) == ["p0"]


def test_what_a_device_is_told_is_what_was_ordered(device, operator, make):
    operator.put(b"one")
    order = make.order(b"one", how={"blocks": 3, "seed": 7})
    operator.order(order)
    (told,) = device.call("GET", "/v1/orders").json()["orders"]
    assert type(order).from_json(json.dumps(told)).id == order.id


def test_a_cancelled_order_is_told_no_more_until_it_comes_again(device, operator, make):
    operator.put(b"one")
    order = make.order(b"one")
    operator.order(order)
    path, query = f"/v1/orders/{order.id}", {"device": "pi"}
    assert operator.call("DELETE", path, params=query).json()["state"] == "cancelled"
    assert operator.call("DELETE", path, params=query).json()["state"] == "cancelled"
    assert orders(device) == []
    assert operator.order(order).json()["state"] == "open"
    assert orders(device) == ["verify"]


def test_what_was_measured_of_a_cancelled_order_counts(device, operator, make):
    operator.put(b"one")
    order = make.order(b"one")
    operator.order(order)
    path, query = f"/v1/orders/{order.id}", {"device": "pi"}
    operator.call("DELETE", path, params=query)
    assert device.report(make.report(order)).json()["new"] == 1
    found = operator.call("GET", path, params=query).json()
    assert (found["state"], found["measured"]) == ("cancelled", 1)
    assert operator.order(order).json()["state"] == "done"


def test_what_is_done_cannot_be_cancelled(device, operator, make):
    operator.put(b"one")
    order = make.order(b"one")
    operator.order(order)
    device.report(make.report(order))
    found = operator.call("DELETE", f"/v1/orders/{order.id}", params={"device": "pi"}).json()
    assert found["state"] == "done"


def test_what_failed_is_asked_for_again_where_it_is_cancelled_and_ordered_again(
    device, operator, make
):
    """The same order alone tells how far it is: whoever looks at failures must find them."""
    for content in (b"one", b"two!"):
        operator.put(content)
    order = make.order(b"one", b"two!")
    operator.order(order)
    records, missing = make.report(order).records, "onnxruntime is not installed"
    failure = FailedModel(sha256=records[0].subject.sha256, kind="rejected", detail=missing)
    device.report(Report(order=order.id, records=records[1:], failures=(failure,)))
    for _ in range(2):
        found = operator.order(order).json()
        assert (found["state"], [f["detail"] for f in found["failures"]]) == ("done", [missing])
        assert orders(device) == []
    cancelled = operator.call("DELETE", f"/v1/orders/{order.id}", params={"device": "pi"}).json()
    assert (cancelled["state"], cancelled["measured"], orders(device)) == ("cancelled", 1, [])
    found = operator.order(order).json()
    assert (found["state"], found["measured"], found["failures"]) == ("open", 1, [])
    assert orders(device) == ["verify"]
    # It fails as before, in a report that is the same as before, or it would be told for ever.
    alone = Report(order=order.id, failures=(failure,))
    for _ in range(2):
        device.report(alone)
        assert operator.order(order).json()["state"] == "done"
        operator.call("DELETE", f"/v1/orders/{order.id}", params={"device": "pi"})
        assert operator.order(order).json()["state"] == "open"
    device.report(Report(order=order.id, records=records[:1]))
    found = operator.order(order).json()
    assert (found["state"], found["measured"]) == ("done", 2)


def test_two_subjects_of_one_file_are_two_models(device, operator, make):
    sha256 = operator.put(b"one")
    twins = [
        {"subject": make.subject(sha256, name=name).model_dump(), "size_bytes": 3}
        for name in ("a", "b")
    ]
    order = make.order(b"one", models=twins)
    assert operator.order(order).json()["models"] == 2
    records = make.report(order).records
    device.report(Report(order=order.id, records=records[:1]))
    assert orders(device) == ["verify"]
    device.report(Report(order=order.id, records=records[1:]))
    assert orders(device) == []


@pytest.mark.parametrize("path", ["GET", "DELETE"])
def test_unknown_orders_and_devices_are_not_found(device, operator, path):
    for query in ({"device": "pi"}, {"device": "nobody"}):
        got = operator.call(path, f"/v1/orders/{'0' * 64}", params=query)
        assert got.status_code == 404
    assert operator.call(path, f"/v1/orders/{'0' * 64}").status_code == 422
    assert operator.call(path, "/v1/orders/xyz", params={"device": "pi"}).status_code == 422


def test_orders_for_nobody_are_refused(world, operator, make):
    operator.put(b"one")
    assert operator.order(make.order(b"one"), "nobody").status_code == 404
    assert operator.order(make.order(b"one"), "lab").status_code == 404
    world.device("pi")
    from edge.hub import tokens

    tokens.revoke(world.hub, "pi")
    got = operator.order(make.order(b"one"))
    assert (got.status_code, "--rotate" in got.json()["detail"]) == (409, True)


def test_a_size_that_is_not_the_file_s_is_refused(device, operator, make):
    sha256 = operator.put(b"one")
    model = {"subject": make.subject(sha256).model_dump(), "size_bytes": 4}
    got = operator.order(make.order(b"one", models=[model]))
    assert (got.status_code, "has 3 bytes, not 4" in got.json()["detail"]) == (422, True)


def test_numbers_that_no_json_has_are_refused(device, operator, make):
    sha256 = operator.put(b"one")
    subject = make.subject(sha256).model_dump() | {"architecture": {"x": 1.5}}
    order = make.order(b"one", models=[{"subject": subject, "size_bytes": 3}])
    text = json.dumps({"device": "pi", "order": order.model_dump(mode="json")})
    for number in ("NaN", "Infinity", "1e999"):
        spelt = text.replace('{"x": 1.5}', f'{{"x": {number}}}')
        assert number in spelt
        got = operator.call("POST", "/v1/orders", content=spelt)
        assert (got.status_code, "not JSON compliant" in got.json()["detail"]) == (422, True)
