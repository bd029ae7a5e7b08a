import hashlib

import pytest

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def held(operator, device, make):
    """A model file that an order of the device names."""
    operator.put(CONTENT)
    operator.order(make.order(CONTENT))


def get(party, **headers):
    return party.call("GET", f"/v1/models/{SHA256}", headers=headers)


def test_a_model_comes_back_as_it_was_brought(held, device, operator):
    for party in (device, operator):
        got = get(party)
        assert (got.status_code, got.content) == (200, CONTENT)
        assert got.headers["ETag"] == f'"{SHA256}"'
        assert got.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    ("range_", "first", "last"), [("bytes=0-99", 0, 99), ("bytes=10000-", 10_000, 10_239)]
)
def test_a_part_of_a_model(held, device, range_, first, last):
    got = get(device, Range=range_)
    assert (got.status_code, got.content) == (206, CONTENT[first : last + 1])
    assert got.headers["Content-Range"] == f"bytes {first}-{last}/10240"


def test_a_part_of_another_file_is_the_whole_of_this_one(held, device):
    got = get(device, Range="bytes=5-", **{"If-Range": '"another"'})
    assert (got.status_code, got.content) == (200, CONTENT)
    got = get(device, Range="bytes=5-", **{"If-Range": f'"{SHA256}"'})
    assert (got.status_code, got.content) == (206, CONTENT[5:])


@pytest.mark.parametrize("range_", ["bytes=10240-", "bytes=99999-100000"])
def test_a_part_behind_the_end(held, device, range_):
    assert get(device, Range=range_).status_code == 416


@pytest.mark.parametrize("range_", ["bytes=x-", "lines=1-2", "bytes=", "bytes=9-1"])
def test_a_range_that_is_none(held, device, range_):
    assert get(device, Range=range_).status_code in (200, 400, 416)


def test_a_device_gets_what_its_orders_name(world, held):
    assert get(world.device("other")).status_code == 404


def test_an_unknown_model_is_not_found(operator):
    assert operator.call("GET", f"/v1/models/{'0' * 64}").status_code == 404
    assert operator.call("GET", "/v1/models/..%2f..%2fhub.db").status_code in (404, 422)


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("name", ["x", "A" * 64, "0" * 63, "0" * 65, "hub.db"])
def test_a_name_that_is_no_hash(operator, method, name):
    assert operator.call(method, f"/v1/models/{name}", content=b"x").status_code == 422


def test_a_model_that_was_taken_away_is_gone_until_it_is_brought_again(
    world, held, device, operator, make
):
    world.hub.models.path(SHA256).unlink()
    assert get(device).status_code == 410
    assert operator.order(make.order(CONTENT)).json()["missing"] == [SHA256]
    operator.put(CONTENT)
    assert get(device).content == CONTENT


def files(world):
    return [p for p in world.settings.models_folder.rglob("*") if p.is_file()]


def test_a_model_with_another_hash_is_not_kept(world, operator):
    got = operator.call("PUT", f"/v1/models/{SHA256}", content=CONTENT + b"!")
    assert (got.status_code, files(world)) == (422, [])
    assert operator.call("GET", f"/v1/models/{SHA256}").status_code == 404


@pytest.mark.parametrize("chunked", [False, True])
def test_a_model_that_is_too_large_is_not_kept(world, chunked):
    from edge.hub.settings import Limits

    world.restart(limits=Limits(model_bytes=1000))
    content = (CONTENT[i : i + 500] for i in range(0, 10_000, 500)) if chunked else CONTENT
    got = world.operator().call("PUT", f"/v1/models/{SHA256}", content=content)
    assert (got.status_code, files(world)) == (413, [])


def test_a_wrong_model_does_not_replace_a_right_one(world, held, device, operator):
    assert operator.call("PUT", f"/v1/models/{SHA256}", content=b"x").status_code == 422
    assert get(device).content == CONTENT
    assert len(files(world)) == 1


def test_an_empty_model(operator):
    sha256 = operator.put(b"")
    got = operator.call("GET", f"/v1/models/{sha256}")
    assert (got.status_code, got.content) == (200, b"")
