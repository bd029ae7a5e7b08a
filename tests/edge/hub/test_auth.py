"""No route but /healthz answers without the right token."""

from __future__ import annotations

import hashlib
import json

import pytest
from fastapi.routing import APIRoute

from edge.hub import tokens
from edge.hub.app import create_app
from edge.hub.settings import Limits
from edge.hub_api import Report
from tests.edge.hub.made_up import heartbeat

SHA256 = hashlib.sha256(b"a model").hexdigest()

DEVICE, OPERATOR, EITHER, PAGE = "device", "operator", "either", "page"
ROUTES = {
    ("POST", "/v1/heartbeat"): DEVICE,
    ("GET", "/v1/orders"): DEVICE,
    ("POST", "/v1/reports"): DEVICE,
    ("GET", "/v1/models/{sha256}"): EITHER,
    ("PUT", "/v1/models/{sha256}"): OPERATOR,
    ("POST", "/v1/orders"): OPERATOR,
    ("GET", "/v1/orders/{id}"): OPERATOR,
    ("DELETE", "/v1/orders/{id}"): OPERATOR,
    ("GET", "/v1/records"): OPERATOR,
    ("GET", "/v1/excluded"): OPERATOR,
    ("GET", "/v1/devices"): OPERATOR,
    ("GET", "/v1/openapi.json"): OPERATOR,
    ("GET", "/"): PAGE,
}
every_route = pytest.mark.parametrize(
    ("method", "path", "kind"), [(*route, kind) for route, kind in ROUTES.items()]
)


def called(world, method, path, headers):
    """With nothing else that the route wants: who calls is asked first."""
    path = path.replace("{sha256}", "0" * 64).replace("{id}", "0" * 64)
    return world.client.request(method, path, headers=headers)


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def headers(client, kind, token):
    if kind != PAGE:
        return bearer(token)
    request = client.build_request("GET", "/")
    return dict(next(_basic(token).auth_flow(request)).headers)


def _basic(token):
    import httpx

    return httpx.BasicAuth("anybody", token)


def test_a_token_of_the_other_kind_is_told_in_words(world):
    refused = world.operator("lab").beat()
    assert refused.json()["detail"] == "lab is an operator: this is for a device's token"
    refused = world.device("pi").call("GET", "/v1/devices")
    assert refused.json()["detail"] == "pi is a device: this is for an operator's token"


def test_these_are_all_routes(world):
    found = {
        (method, route.path)
        for route in walk(create_app(world.hub).routes)
        for method in route.methods
    }
    assert found == {*ROUTES, ("GET", "/healthz")}


def walk(routes):
    """Every route of an application, also behind routers that are kept as they were included."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        else:
            assert hasattr(route, "original_router"), route
            yield from walk(route.original_router.routes)


@every_route
def test_without_a_token(world, method, path, kind):
    answer = called(world, method, path, {})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic" if kind == PAGE else "Bearer")


@every_route
def test_with_a_token_that_nobody_was_given(world, method, path, kind):
    for token in ("x", "ef_" + "A" * 43, "ü", "\x00", "ef_" + "A" * 10_000):
        sent = headers(world.client, kind, token)
        answer = called(world, method, path, {k: v.encode("latin-1") for k, v in sent.items()})
        assert answer.status_code == 401, token


@every_route
def test_with_a_revoked_token(world, method, path, kind):
    party = world.device() if kind == DEVICE else world.operator()
    tokens.revoke(world.hub, "pi" if kind == DEVICE else "lab")
    sent = headers(world.client, kind, party.token)
    assert called(world, method, path, sent).status_code == 403


@every_route
def test_with_a_token_of_the_other_kind(world, method, path, kind):
    if kind == EITHER:
        pytest.skip("takes both")
    party = world.operator() if kind == DEVICE else world.device()
    sent = headers(world.client, kind, party.token)
    assert called(world, method, path, sent).status_code == 403


@every_route
def test_with_the_right_token(world, method, path, kind):
    party = world.device() if kind == DEVICE else world.operator()
    sent = headers(world.client, kind, party.token)
    assert called(world, method, path, sent).status_code not in (401, 403)


@pytest.mark.parametrize(
    "value",
    ["Bearer", "Basic", "Basic !!!", "Basic Og==", "Basic /////w==", "Digest x", "bearer x y"],
)
def test_odd_headers_are_no_token(world, value):
    for path in ("/", "/v1/devices", "/v1/orders"):
        answer = world.client.get(path, headers={"Authorization": value})
        assert answer.status_code == 401, path


def test_the_health_needs_no_token(world):
    answer = world.client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_an_open_page_needs_no_token_but_nothing_else_is_open(world):
    world.restart(open_page=True)
    assert world.client.get("/").status_code == 200
    assert world.client.get("/v1/devices").status_code == 401


def test_a_device_that_calls_too_often_is_told_when_to_come_back(world, device):
    world.restart(limits=Limits(calls_per_s=1, calls_at_once=3))
    answers = [device.call("GET", "/v1/orders").status_code for _ in range(3)]
    assert answers == [200] * 3
    refused = device.call("GET", "/v1/orders")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert world.device("other").call("GET", "/v1/orders").status_code == 200
    world.passes(seconds=1)
    assert device.call("GET", "/v1/orders").status_code == 200


def test_an_operator_may_call_as_often_as_it_likes(world, operator):
    world.restart(limits=Limits(calls_per_s=1, calls_at_once=3))
    for _ in range(5):
        assert operator.call("GET", "/v1/devices").status_code == 200


def test_the_openapi_document_is_complete(world, operator):
    document = operator.call("GET", "/v1/openapi.json").json()
    schemas = document["components"]["schemas"]

    def refs(value):
        if isinstance(value, dict):
            if "$ref" in value:
                yield value["$ref"]
            for inner in value.values():
                yield from refs(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from refs(inner)

    assert {ref.removeprefix("#/components/schemas/") for ref in refs(document)} <= set(schemas)
    assert {"ReportRequest", "HeartbeatRequest", "OrderRequestRequest"} <= set(schemas)


REPORTED_LATE = {
    "revoked": (lambda hub: tokens.revoke(hub, "pi", exclude_records=True), 403),
    "replaced": (lambda hub: tokens.add(hub, "device", "pi", rotate=True), 401),
}


@pytest.mark.parametrize(("meanwhile", "status"), REPORTED_LATE.values(), ids=REPORTED_LATE)
@pytest.mark.parametrize("path", ["/v1/reports", "/v1/heartbeat"])
def test_a_body_that_began_before_its_token_was_no_more(
    world, device, operator, make, path, meanwhile, status
):
    """Or a token that leaked would be good for as long as its holder lets a body drip."""
    report = Report(records=(make.record(make.subject("a" * 64)),))
    body = report.to_json() if path == "/v1/reports" else json.dumps(heartbeat())

    def chunks():
        yield body[:10].encode()
        meanwhile(world.hub)
        yield body[10:].encode()

    key = {"Idempotency-Key": report.id}
    assert device.call("POST", path, content=chunks(), headers=key).status_code == status
    assert operator.records() == []
    (pi,) = operator.call("GET", "/v1/devices").json()["devices"]
    assert (pi["heartbeat"], pi["records"]) == (None, 0)


def test_the_machine_of_a_replaced_token_is_not_that_of_the_new_one(world, device, make):
    report = Report(records=(make.record(make.subject("a" * 64)),))

    def chunks():
        yield report.to_json()[:10].encode()
        device.token = tokens.add(world.hub, "device", "pi", rotate=True)
        yield report.to_json()[10:].encode()

    key = {"Idempotency-Key": report.id}
    assert device.call("POST", "/v1/reports", content=chunks(), headers=key).status_code == 401
    assert device.beat(device="another machine").json()["quarantined"] is None


@pytest.mark.parametrize("path", ["/v1/orders", f"/v1/models/{SHA256}"])
def test_an_operator_who_was_revoked_meanwhile_orders_nothing(world, device, operator, make, path):
    lab = world.operator("lab-2")
    lab.put(b"one")
    order = {"device": "pi", "order": make.order(b"one").model_dump(mode="json")}
    body = json.dumps(order).encode() if path == "/v1/orders" else b"a model"

    def chunks():
        yield body[:3]
        tokens.revoke(world.hub, "lab")
        yield body[3:]

    method = "POST" if path == "/v1/orders" else "PUT"
    assert operator.call(method, path, content=chunks()).status_code == 403
    assert device.call("GET", "/v1/orders").json() == {"orders": []}
    assert lab.call("GET", f"/v1/models/{SHA256}").status_code == 404
