"""Bodies that no agent would send: refused, never a 5xx, and nothing of them is kept."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json

import pytest

from edge.hub.app import create_app
from edge.hub.settings import Limits
from edge.hub_api import Report

DEEP = b'{"order":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
BODIES = {
    "nothing": b"",
    "no JSON": b"hello",
    "not UTF-8": b'{"order": "\xff\xfe"}',
    "UTF-16": '{"order": null}'.encode("utf-16"),
    "deep": DEEP,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "NaN": b'{"uptime_s": NaN, "records": NaN}',
    "infinity": b'{"uptime_s": 1e999}',
    "a long number": b'{"uptime_s": ' + b"9" * 100_000 + b"}",
    "lone surrogate": b'{"order": "\\ud800"}',
    "NUL": b'{"order": "\\u0000"}',
    "an array": b"[]",
    "null": b"null",
    "twice": b'{"order": null, "order": 1}',
    "unknown": b'{"exec": "rm -rf /"}',
    "gzip": b"\x1f\x8b\x08\x00",
}
POSTS = ["/v1/heartbeat", "/v1/reports", "/v1/orders"]


def party_for(world, path):
    return world.operator() if path == "/v1/orders" else world.device()


@pytest.mark.parametrize("path", POSTS)
def test_what_is_no_json_of_ours_is_malformed(world, path):
    headers = {"Idempotency-Key": "0" * 64, "Content-Type": "application/json"}
    party = party_for(world, path)
    for name, body in BODIES.items():
        got = party.call("POST", path, content=body, headers=headers)
        large = len(body) > 65_536 and path == "/v1/heartbeat"
        assert got.status_code == (413 if large else 422), name
        assert got.json()["detail"], name


def test_a_deep_architecture_is_malformed_or_refused(device, operator, make):
    text = json.dumps({"records": [json.loads(make.record(make.subject("a" * 64)).to_json())]})
    for depth in (10, 150, 1000, 100_000):
        nested = "[" * depth + "]" * depth
        body = text.replace('"architecture": null', f'"architecture": {{"x": {nested}}}')
        assert nested in body
        headers = {"Idempotency-Key": "0" * 64}
        assert device.call("POST", "/v1/reports", content=body, headers=headers).status_code == 422
    assert operator.records() == []


def reported(device, make, old, new):
    """The answer to a report in whose record the text `new` stands for `old`."""
    record = make.record(make.subject("a" * 64), warmup_ns=[3])
    body = Report(records=(record,)).to_json().replace(old, new)
    assert new in body
    headers = {"Idempotency-Key": hashlib.sha256(body.encode()).hexdigest()}
    got = device.call("POST", "/v1/reports", content=body, headers=headers)
    assert got.status_code == 422
    return got.json()["detail"]


@pytest.mark.parametrize("nested", ["[1],", "{},", '{"a":[]},'])
def test_more_lists_and_objects_than_a_report_can_have_are_not_parsed(device, make, nested):
    """Each takes hundreds of bytes: eight million of them are a gigabyte."""
    many = "[" + nested * 300_000 + "1]"
    assert "300000 lists and objects" in reported(device, make, '"warmup_ns":[3]', many)


def test_what_is_wrong_a_million_times_is_said_once(device, make):
    """A run that is no number costs a kilobyte to be told of."""
    wrong = "[" + '"",' * 200_000 + "3]"
    told = reported(device, make, '"warmup_ns":[3]', f'"warmup_ns":{wrong}')
    assert told.startswith("not a report: records.0.warmup_ns.0: Input should be a valid integer")
    fields = ",".join(f'"{n:x}":1' for n in range(20_000))
    told = reported(device, make, '"warmup_ns":[3]', f'"warmup_ns":[3],{fields}')
    assert told == "not a report: report: 20000 problems"


def test_a_device_has_two_reports_under_way_at_most(world, device, make):
    """An agent sends one after the other; one that an outage cut may still be waited for."""
    body = Report(records=(make.record(make.subject("a" * 64)),)).to_json().encode()
    statuses = []

    def sent(others):
        def chunks():
            yield body[:10]
            if others:
                sent(others - 1)
            yield body[10:]

        key = {"Idempotency-Key": hashlib.sha256(body).hexdigest()}
        got = device.call("POST", "/v1/reports", content=chunks(), headers=key)
        statuses.append((got.status_code, got.headers.get("Retry-After")))

    sent(others=2)
    assert statuses == [(429, "1"), (200, None), (200, None)]
    sent(others=0)
    assert statuses[-1] == (200, None)


def small(world):
    world.restart(
        limits=Limits(heartbeat_bytes=2000, report_bytes=2000, order_bytes=2000, model_bytes=2000)
    )


@pytest.mark.parametrize(("method", "path"), [*(("POST", p) for p in POSTS), ("PUT", None)])
@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "without"])
def test_a_body_over_its_limit_is_refused(world, method, path, chunked):
    small(world)
    party = world.operator() if path in (None, "/v1/orders") else world.device()
    path = path or f"/v1/models/{'0' * 64}"
    content = (b"x" * 100 for _ in range(21)) if chunked else b"x" * 2001
    got = party.call(method, path, content=content, headers={"Idempotency-Key": "0" * 64})
    assert (got.status_code, "2000 bytes" in got.json()["detail"]) == (413, True)


def called(world, token, chunks, length=None, path=b"/v1/reports"):
    """The status that a body in `chunks` gets, and how many of them the hub has asked for; None
    among them is a client that falls silent, a number one that falls silent for so many seconds,
    and b"" ends the body."""
    asked = 0
    status = []

    async def receive():
        nonlocal asked
        asked += 1
        chunk = next(chunks, None)
        if chunk is None or isinstance(chunk, float):
            await asyncio.sleep(3600 if chunk is None else chunk)
            chunk = b"x"
        return {"type": "http.request", "body": chunk, "more_body": chunk != b""}

    async def send(message):
        if message["type"] == "http.response.start":
            status.append(message["status"])

    headers = [(b"authorization", f"Bearer {token}".encode()), (b"idempotency-key", b"0" * 64)]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path.decode(),
        "raw_path": path,
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    asyncio.run(create_app(world.hub)(scope, receive, send))
    return status[0], asked


def dripping(every_s):
    """A byte at a time, each after `every_s`."""
    while True:
        yield every_s


def endless():
    while True:
        yield b"x" * 1000


def test_an_endless_body_is_read_up_to_its_limit(world):
    small(world)
    assert called(world, world.device().token, endless()) == (413, 3)


def test_a_body_that_announces_too_much_is_not_read_at_all(world):
    small(world)
    assert called(world, world.device().token, endless(), length=2001) == (413, 0)


def test_the_body_of_a_stranger_is_not_read_at_all(world):
    assert called(world, "ef_" + "A" * 43, endless(), length=10) == (401, 0)


def test_a_body_that_stops_coming_is_given_up(world):
    world.restart(limits=Limits(pause_s=0.05))
    assert called(world, world.device().token, iter([b"{"])) == (408, 2)


def test_a_body_that_drips_is_given_up_though_it_never_stops(world):
    """A byte a pause would hold a connection for a month."""
    world.restart(limits=Limits(pause_s=0.4, slowest_bytes_per_s=1e6))
    status, asked = called(world, world.device().token, dripping(0.02))
    assert (status, asked > 2) == (408, True)


def test_a_body_on_a_slow_link_is_read_to_its_end(world):
    world.restart(limits=Limits(pause_s=0.4, slowest_bytes_per_s=1))
    chunks = iter([*itertools.islice(dripping(0.1), 6), b""])
    assert called(world, world.device().token, chunks) == (422, 7)


def test_a_report_may_have_2000_records_and_no_more(device, make):
    record = json.loads(make.record(make.subject("a" * 64)).to_json())
    body = json.dumps({"records": [record] * 2001})
    got = device.call("POST", "/v1/reports", content=body, headers={"Idempotency-Key": "0" * 64})
    assert (got.status_code, "2000" in got.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    "query",
    [
        {"after": -1},
        {"after": 2**63},
        {"after": "x"},
        {"limit": 0},
        {"limit": 2001},
        {"order": "x"},
        {"device": "<b>"},
    ],
)
def test_odd_queries_are_malformed(operator, query):
    assert operator.call("GET", "/v1/records", params=query).status_code == 422


def test_the_last_arrival_number_there_can_be(operator):
    assert operator.records(after=2**63 - 1) == []
