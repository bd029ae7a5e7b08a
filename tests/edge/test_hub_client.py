"""An operator against the application of a real hub, without a network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="needs the extra hub")
httpx = pytest.importorskip("httpx", reason="needs the extra agent")

from edge.agent.address import HubAddress  # noqa: E402
from edge.agent.client import HubAway, HubForbids, HubRefuses  # noqa: E402
from edge.hub import tokens  # noqa: E402
from edge.hub.settings import Settings  # noqa: E402
from edge.hub_api import Report  # noqa: E402
from edge.hub_client import ModelsMissing, Operator  # noqa: E402
from edge.orders import Order  # noqa: E402
from edge.record import Conditions, Measurement, Subject, Target  # noqa: E402
from tests.edge.hub.made_up import World  # noqa: E402

CONTENTS = [f"the model {n}".encode() for n in range(3)]
TARGET = Target(
    device="board",
    runtime="onnxruntime",
    runtime_version="1",
    provider="p",
    precision="fp32",
    threads=1,
)


def subject(content: bytes) -> Subject:
    return Subject(kind="file", name=content.decode(), sha256=hashlib.sha256(content).hexdigest())


ORDER = Order.model_validate(
    {
        "purpose": "verify",
        "runtime": "onnxruntime",
        "precision": "fp32",
        "models": [{"subject": subject(c).model_dump(), "size_bytes": len(c)} for c in CONTENTS],
    }
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(Settings(state=tmp_path / "hub", synchronous="NORMAL"))
    yield world
    world.hub.close()


def client(world: World, token: str) -> Operator:
    """Speaks to the hub through its test client."""

    def carry(request: Any) -> Any:
        answer = world.client.request(
            request.method,
            request.url.raw_path.decode(),
            headers=dict(request.headers),
            content=request.read(),
        )
        return httpx.Response(answer.status_code, content=iter([answer.content]))

    transport = httpx.MockTransport(carry)
    return Operator(HubAddress("http://localhost"), token, transport=transport)


def upload(hub: Operator, folder: Path) -> None:
    for content in CONTENTS:
        (folder / "model").write_bytes(content)
        hub.upload(hashlib.sha256(content).hexdigest(), folder / "model")


def records() -> tuple[Measurement, ...]:
    return tuple(
        Measurement(
            subject=subject(content),
            target=TARGET,
            conditions=Conditions(wall_time="2026-03-01T12:00:00+00:00"),
            warmup_ns=(),
            samples_ns=((1_000_000,) * 50,) * 3,
            verdict="clean",
        )
        for content in CONTENTS
    )


def test_models_and_an_order_go_there_and_records_come_back(world: World, tmp_path: Path) -> None:
    board = world.device()
    with client(world, world.operator().token) as hub:
        with pytest.raises(ModelsMissing) as caught:
            hub.submit("pi", ORDER)
        assert set(caught.value.missing) == {model.subject.sha256 for model in ORDER.models}
        upload(hub, tmp_path)
        assert hub.submit("pi", ORDER).state == "open"
        board.report(Report(order=ORDER.id, records=records())).raise_for_status()
        status = hub.status("pi", ORDER.id)
        assert (status.state, status.measured) == ("done", 3)
        assert list(hub.records_of("pi", ORDER.id)) == list(records())
        page = hub.records(1)
        assert (page.records, page.next) == (records()[1:], 3)


def test_what_is_excluded_is_told_by_its_ids(world: World) -> None:
    party = world.device()
    party.report(Report(records=records()))
    with client(world, world.operator().token) as hub:
        assert list(hub.excluded()) == []
        tokens.revoke(world.hub, "pi", exclude_records=True)
        assert sorted(hub.excluded()) == sorted(record.id for record in records())


def test_devices_are_told_with_their_heartbeats(world: World) -> None:
    world.device().beat()
    with client(world, world.operator().token) as hub:
        (device,) = hub.devices().devices
    assert device.name == "pi"
    assert device.heartbeat is not None


def test_a_device_that_nobody_knows_is_refused(world: World, tmp_path: Path) -> None:
    with client(world, world.operator().token) as hub:
        upload(hub, tmp_path)
        with pytest.raises(HubRefuses, match="add-device nobody") as caught:
            hub.submit("nobody", ORDER)
    assert caught.value.status == 404


def test_the_token_of_a_board_opens_nothing_here(world: World) -> None:
    with client(world, world.device().token) as hub, pytest.raises(HubForbids) as caught:
        hub.devices()
    assert "facet hub add-operator" in str(caught.value)


def test_a_model_that_is_another_one_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"something else")
    with client(world, world.operator().token) as hub, pytest.raises(HubRefuses):
        hub.upload("0" * 64, tmp_path / "model")


def test_nobody_there_is_a_hub_that_is_away(tmp_path: Path) -> None:
    def nobody(_request: object) -> None:
        raise httpx.ConnectError("connection refused")

    (tmp_path / "model").write_bytes(b"x")
    address = HubAddress("http://localhost")
    with Operator(address, "t", transport=httpx.MockTransport(nobody)) as hub:
        with pytest.raises(HubAway, match="connection refused"):
            hub.upload("0" * 64, tmp_path / "model")
        with pytest.raises(HubAway, match="connection refused"):
            hub.devices()
