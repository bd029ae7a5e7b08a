import hashlib
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from edge.errors import EdgeError
from edge.hub import tokens
from edge.hub.tables import Identity
from edge.hub_api import Report


def test_a_token_is_256_random_bits_and_only_its_hash_is_kept(world):
    token = tokens.add(world.hub, "device", "pi")
    assert re.fullmatch(r"ef_[A-Za-z0-9_-]{43}", token)  # 43 digits of 6 bits hold 256
    with world.hub.store.reading() as session:
        kept = session.scalars(select(Identity.token_sha256)).all()
    assert kept == [hashlib.sha256(token.encode()).hexdigest()]
    world.hub.close()
    files = [path for path in world.settings.state.rglob("*") if path.is_file()]
    assert all(token.encode() not in path.read_bytes() for path in files)


def test_a_name_is_given_once(world):
    tokens.add(world.hub, "device", "pi")
    with pytest.raises(tokens.NameTaken, match="add-device pi --rotate"):
        tokens.add(world.hub, "device", "pi")
    with pytest.raises(tokens.NameTaken):
        tokens.add(world.hub, "operator", "pi")


@pytest.mark.parametrize("name", ["", "-x", "a b", "a/b", "ü", "a" * 65, "../x", "a\n"])
def test_odd_names_are_refused(world, name):
    with pytest.raises(tokens.BadName):
        tokens.add(world.hub, "device", name)


def test_a_rotated_token_replaces_the_old_one(world, device):
    new = tokens.add(world.hub, "device", "pi", rotate=True)
    assert device.call("GET", "/v1/orders").status_code == 401
    device.token = new
    assert device.call("GET", "/v1/orders").status_code == 200


def test_rotation_ends_a_revocation(world, device):
    tokens.revoke(world.hub, "pi")
    device.token = tokens.add(world.hub, "device", "pi", rotate=True)
    assert device.call("GET", "/v1/orders").status_code == 200


def test_only_what_is_there_is_rotated_or_revoked(world, operator):
    for wrong in ("pi", "lab"):
        with pytest.raises(tokens.NoSuchName):
            tokens.add(world.hub, "device", wrong, rotate=True)
    with pytest.raises(tokens.NoSuchName):
        tokens.revoke(world.hub, "pi")
    with pytest.raises(EdgeError):
        tokens.revoke(world.hub, "")


def test_records_of_a_revoked_device_are_left_out_only_if_asked_for(world, device, operator, make):
    sha256 = operator.put(b"net")
    order = make.order(b"net")
    operator.order(order)
    device.report(make.report(order))
    assert tokens.revoke(world.hub, "pi") == 0
    assert len(operator.records()) == 1
    assert tokens.revoke(world.hub, "pi", exclude_records=True) == 1
    assert operator.records() == []
    status = operator.call("GET", f"/v1/orders/{order.id}", params={"device": "pi"}).json()
    assert (status["state"], status["measured"], status["device_state"]) == ("open", 0, "revoked")
    # What comes in under a new token counts again.
    device.token = tokens.add(world.hub, "device", "pi", rotate=True)
    record = make.record(make.subject(sha256), seed=7)
    device.report(make.report(order, 7))
    assert [m.id for m in operator.records()] == [record.id]


def test_what_came_before_a_token_leaked_stays(world, device, operator, make):
    subject = make.subject("a" * 64)
    records = [make.record(subject, seed=n) for n in range(3)]
    for record in records:
        device.report(Report(records=(record,)))
        world.passes(hours=1)
    leaked = world.now - timedelta(hours=2)  # when the second one came
    assert tokens.revoke(world.hub, "pi", exclude_records=True, since=leaked) == 2
    assert [m.id for m in operator.records()] == [records[0].id]
    page = operator.call("GET", "/v1/excluded", params={"limit": 1}).json()
    assert page["ids"] == [records[1].id]
    page = operator.call("GET", "/v1/excluded", params={"after": page["next"]}).json()
    assert page["ids"] == [records[2].id]
    page = operator.call("GET", "/v1/excluded", params={"after": page["next"]}).json()
    assert page == {"ids": [], "next": None}
