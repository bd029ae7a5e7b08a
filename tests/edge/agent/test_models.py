from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest

from edge.agent.client import HubAway
from edge.agent.models import ModelCache, ModelUnavailable
from edge.orders import OrderedModel
from tests.edge.agent.boards import Hub, answer, client, refusing, sha256, subject

MODEL = bytes(range(256)) * 20  # 5120 bytes
SHA256 = sha256(MODEL)
ORDERED = OrderedModel(subject=subject(MODEL), size_bytes=len(MODEL))


@pytest.fixture
def hub() -> Hub:
    return Hub(files={SHA256: MODEL})


@pytest.fixture
def cache(tmp_path: Path) -> ModelCache:
    return ModelCache(tmp_path / "models")


def fetch(cache: ModelCache, hub: Hub) -> Path:
    with client(hub) as to_hub:
        return cache.fetch(to_hub, ORDERED, "onnxruntime")


def names(cache: ModelCache) -> list[str]:
    return sorted(str(path.relative_to(cache.folder)) for path in cache.folder.rglob("*"))


def test_a_model_lies_in_a_folder_of_its_own(cache: ModelCache, hub: Hub) -> None:
    path = fetch(cache, hub)
    assert path == cache.folder / SHA256 / "model.onnx"
    assert path.read_bytes() == MODEL
    assert names(cache) == [SHA256, f"{SHA256}/model.onnx"]


def test_it_is_fetched_once(cache: ModelCache, hub: Hub) -> None:
    fetch(cache, hub)
    fetch(cache, hub)
    assert hub.calls == [f"GET /v1/models/{SHA256}"]


def test_a_file_that_changed_on_the_disk_is_fetched_again(cache: ModelCache, hub: Hub) -> None:
    path = fetch(cache, hub)
    path.write_bytes(b"rotten")
    assert fetch(cache, hub).read_bytes() == MODEL
    assert len(hub.calls) == 2


@pytest.mark.parametrize("begins_anew", [False, True])
def test_half_a_download_goes_on_where_it_ended(
    cache: ModelCache, hub: Hub, begins_anew: bool
) -> None:
    hub.override["/v1/models"] = lambda _: answer(MODEL[:2000])
    with pytest.raises(HubAway, match="2000 of 5120"):
        fetch(cache, hub)
    assert names(cache) == [f"{SHA256}.part"]
    asked = []

    def rest(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["Range"])
        if begins_anew:  # a hub, or a proxy, that knows no ranges
            return answer(MODEL)
        return answer(MODEL[2000:], 206, {"Content-Range": "bytes 2000-5119/5120"})

    hub.override["/v1/models"] = rest
    assert fetch(cache, hub).read_bytes() == MODEL
    assert asked == ["bytes=2000-"]


@pytest.mark.parametrize("place", ["bytes 7-5119/5120", "lines 1-2/3", "", "bytes */5120"])
def test_a_part_from_elsewhere_is_not_taken(cache: ModelCache, hub: Hub, place: str) -> None:
    hub.override["/v1/models"] = lambda _: answer(MODEL[7:], 206, {"Content-Range": place})
    with pytest.raises(HubAway):
        fetch(cache, hub)


def test_a_wrong_hash_twice_is_altered_and_deleted(cache: ModelCache, hub: Hub) -> None:
    hub.files[SHA256] = MODEL[::-1]
    with pytest.raises(ModelUnavailable, match="its sha256 is") as caught:
        fetch(cache, hub)
    assert caught.value.kind == "altered"
    assert len(hub.calls) == 2
    assert names(cache) == []


def test_a_wrong_hash_once_is_an_accident(cache: ModelCache, hub: Hub) -> None:
    def once(_request: httpx.Request) -> httpx.Response:
        del hub.override["/v1/models"]
        return answer(MODEL[::-1])

    hub.override["/v1/models"] = once
    assert fetch(cache, hub).read_bytes() == MODEL


def test_a_model_larger_than_ordered_is_cut_off(cache: ModelCache, hub: Hub) -> None:
    read = []

    def endless(_request: httpx.Request) -> httpx.Response:
        def pieces():  # type: ignore[no-untyped-def]
            while True:
                read.append(1)
                yield bytes(1000)

        return httpx.Response(200, content=pieces())

    hub.override["/v1/models"] = endless
    with pytest.raises(ModelUnavailable, match="larger than the 5120 bytes") as caught:
        fetch(cache, hub)
    assert caught.value.kind == "altered"
    assert len(read) == 12  # the sixth piece is too much, twice
    assert names(cache) == []


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_gone_is_gone_at_once(cache: ModelCache, hub: Hub, status: int) -> None:
    hub.override["/v1/models"] = refusing(status)
    with pytest.raises(ModelUnavailable) as caught:
        fetch(cache, hub)
    assert caught.value.kind == "gone"
    assert len(hub.calls) == 1


def test_an_outage_is_none_of_the_models_fault(cache: ModelCache, hub: Hub) -> None:
    hub.override["/v1/models"] = refusing(503)
    with pytest.raises(HubAway):
        fetch(cache, hub)


def test_room_is_made_of_what_was_not_used_for_longest(tmp_path: Path) -> None:
    cache = three_models(tmp_path)
    assert cache.make_room(100, {"kept"}, free_bytes=1000) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "new"]
    assert cache.make_room(200, {"kept"}, free_bytes=1000) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_room_on_the_disk_is_made_as_room_within_the_cap_is(tmp_path: Path) -> None:
    cache = three_models(tmp_path, cap_bytes=1 << 30)
    assert cache.make_room(100, {"kept"}, free_bytes=100) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "new", "old"]
    assert cache.make_room(100, {"kept"}, free_bytes=99) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "new"]
    assert cache.make_room(0, (), free_bytes=-150) == 0
    assert not list(tmp_path.iterdir())


def test_nothing_is_removed_where_all_of_it_would_not_do(tmp_path: Path) -> None:
    cache = three_models(tmp_path, cap_bytes=1 << 30)
    assert cache.make_room(500, {"kept"}, free_bytes=250) == 50
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "new", "old"]


def test_half_a_download_that_nobody_asks_for_is_room_too(tmp_path: Path) -> None:
    (tmp_path / "left.part").write_bytes(bytes(70))
    (tmp_path / "kept.part").write_bytes(bytes(70))
    assert ModelCache(tmp_path, cap_bytes=150).make_room(80, {"kept"}, free_bytes=1000) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["kept.part"]


def three_models(folder: Path, cap_bytes: int = 300) -> ModelCache:
    """Of 100 bytes each, ``kept`` neither the oldest nor the newest."""
    for n, name in enumerate(("old", "kept", "new")):
        (folder / name).mkdir()
        (folder / name / "model.onnx").write_bytes(bytes(100))
        os.utime(folder / name / "model.onnx", (n, n))
    return ModelCache(folder, cap_bytes)


def test_what_is_missing_of_an_order(cache: ModelCache, hub: Hub) -> None:
    other = OrderedModel(subject=subject(b"other"), size_bytes=5)
    assert cache.missing_bytes([ORDERED, other, other], "onnxruntime") == 5125
    hub.override["/v1/models"] = lambda _: answer(MODEL[:2000])
    with pytest.raises(HubAway):
        fetch(cache, hub)
    assert cache.missing_bytes([ORDERED, other], "onnxruntime") == 3125
    hub.override.clear()
    fetch(cache, hub)
    assert cache.missing_bytes([ORDERED, other], "onnxruntime") == 5
