from __future__ import annotations

import json
import shutil
import zipfile
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from edge import bundle as module
from edge.bundle import Bundle, BundleError, is_bundle, is_ours, read
from edge.errors import EdgeError
from edge.orders import OrderError
from tests.edge.bundles import bundle, order, repacked, sha256, unpacked

MODELS = {"chain": b"first model", "member": b"second model, longer", "file": b"third"}
FIRST = f"models/{sha256(MODELS['chain'])}.onnx"


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    return bundle(tmp_path / "stick.zip", MODELS).path


def models(found: Bundle) -> dict[str, bytes]:
    with found.models() as files:
        return {key: path.read_bytes() for key, path in files.items()}


def refusal(path: Path) -> str:
    """What reading it with all its models says."""
    with pytest.raises(EdgeError) as caught:
        models(read(path))
    return str(caught.value)


def change_manifest(files: dict[str, bytes], **changes: Any) -> None:
    manifest = {**json.loads(files["manifest.json"]), **changes}
    files["manifest.json"] = json.dumps(manifest).encode()


def change_file(files: dict[str, bytes], name: str, content: bytes) -> None:
    """With a manifest that knows it."""
    stored = {"sha256": sha256(content), "size_bytes": len(content)}
    files[name] = content
    change_manifest(files, order=stored)


@pytest.mark.parametrize("kind", ["stick.zip", "stick.tar", "folder"])
def test_what_was_packed_is_read(tmp_path: Path, kind: str) -> None:
    written = bundle(tmp_path / kind.replace("folder", "stick.zip"), MODELS)
    path = unpacked(written.path, tmp_path / kind) if kind == "folder" else written.path
    found = read(path)
    assert found.order == order(MODELS)
    assert found.manifest == written.manifest
    assert models(found) == {sha256(content): content for content in MODELS.values()}
    found.verify()


def test_the_kinds_of_subjects_survive(stick: Path) -> None:
    chain, network, file = (model.subject for model in read(stick).order.models)
    assert (chain.kind, chain.repeat, network.role, file.kind) == ("chain", 4, "member", "file")
    assert network.architecture == {"rows": []}


def test_unpacked_models_are_gone_afterwards(stick: Path) -> None:
    with read(stick).models() as files:
        paths = list(files.values())
        assert all(path.is_file() for path in paths)
    assert not any(path.exists() for path in paths)


def test_models_of_a_folder_stay_where_they_are(stick: Path, tmp_path: Path) -> None:
    folder = unpacked(stick, tmp_path / "folder")
    with read(folder).models() as files:
        assert files[sha256(MODELS["file"])] == folder / f"models/{sha256(MODELS['file'])}.onnx"


def test_a_folder_may_hold_other_things(stick: Path, tmp_path: Path) -> None:
    folder = unpacked(stick, tmp_path / "folder")
    (folder / "report-0.jsonl").write_text("")
    (folder / "models" / ".DS_Store").write_text("")
    assert len(models(read(folder))) == 3


def test_what_is_no_bundle_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "holds no manifest.json, so it is no bundle" in refusal(tmp_path / "empty")
    (tmp_path / "empty/family.json").write_text("{}")
    assert "is a family, no bundle: name it with --family" in refusal(tmp_path / "empty")


@pytest.mark.parametrize("name", [FIRST, "order.json"])
def test_a_missing_file_is_named(stick: Path, name: str) -> None:
    repacked(stick, lambda files: files.pop(name))
    assert f"{name} is missing in {stick}: copy the bundle again" in refusal(stick)


def test_a_shorter_or_longer_file_is_named(stick: Path) -> None:
    repacked(stick, lambda files: files.update({FIRST: b"first mode"}))
    assert f"{FIRST} in {stick} has 10 bytes, by manifest.json 11" in refusal(stick)


@pytest.mark.parametrize("kind", ["stick.zip", "folder"])
def test_an_altered_model_is_never_handed_out(stick: Path, tmp_path: Path, kind: str) -> None:
    repacked(stick, lambda files: files.update({FIRST: b"First model"}))
    path = stick if kind == "stick.zip" else unpacked(stick, tmp_path / kind)
    assert f"{FIRST} in {path} is damaged or was altered" in refusal(path)
    with pytest.raises(BundleError, match="altered"):
        read(path).verify()


def test_a_folder_s_file_that_grew_since_is_not_read_to_its_end(
    stick: Path, tmp_path: Path
) -> None:
    folder = unpacked(stick, tmp_path / "folder")
    found = read(folder)
    (folder / FIRST).write_bytes(MODELS["chain"] * 1000)
    with pytest.raises(BundleError, match="damaged or was altered"):
        models(found)


def test_an_altered_order_is_not_read(stick: Path) -> None:
    repacked(
        stick, lambda files: files.update({"order.json": files["order.json"].replace(b"7", b"9")})
    )
    assert "order.json in" in refusal(stick)
    assert "altered" in refusal(stick)


def test_a_file_that_is_not_listed_is_refused(stick: Path) -> None:
    stranger = f"models/{'0' * 64}.onnx"
    repacked(stick, lambda files: files.update({stranger: b"x"}))
    assert f"{stranger} in {stick} is not listed in manifest.json" in refusal(stick)


def test_manifest_and_order_must_agree(stick: Path) -> None:
    other = order({"other": b"x"}).to_json().encode()
    repacked(stick, lambda files: change_file(files, "order.json", other))
    assert "manifest.json and order.json list other models" in refusal(stick)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"version": 2}, "version 2 is not 1, the one this edgefacet reads: update edgefacet"),
        ({"run": "sh"}, "run: Extra inputs are not permitted"),
        ({"created": "yesterday"}, "created: "),
        ({"models": []}, "models: "),
        ({"models": [{"sha256": "../../x", "size_bytes": 1}]}, "models.0.sha256: "),
        ({"models": [{"path": "/etc/passwd", "sha256": "0" * 64}]}, "models.0."),
        ({"wheels": [{"name": "../x.whl", "sha256": "0" * 64, "size_bytes": 1}]}, "wheels.0.name"),
        ({"wheels": [{"name": "x.whl\n", "sha256": "0" * 64, "size_bytes": 1}]}, "wheels.0.name"),
        ({"order": {"sha256": "0" * 64, "size_bytes": 1 << 40}}, "order.size_bytes"),
    ],
)
def test_the_manifest_is_closed(stick: Path, changes: dict[str, Any], says: str) -> None:
    repacked(stick, lambda files: change_manifest(files, **changes))
    assert says in refusal(stick)


def test_a_manifest_that_is_no_json(stick: Path) -> None:
    repacked(stick, lambda files: files.update({"manifest.json": b"{"}))
    assert "manifest.json in" in refusal(stick)
    assert "copy the bundle again" in refusal(stick)


def test_an_order_of_another_version_asks_for_an_update(stick: Path) -> None:
    newer = order(MODELS).to_json().replace('"version":1', '"version":2').encode()
    repacked(stick, lambda files: change_file(files, "order.json", newer))
    with pytest.raises(OrderError, match="version 2"):
        read(stick)


def test_a_bomb_is_refused_by_what_it_announces(
    stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(stick, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"models/{'0' * 64}.onnx", bytes(3 << 20))
    monkeypatch.setattr(module, "MAX_BUNDLE_BYTES", 2 << 20)
    assert "would unpack to more than" in refusal(stick)


def test_a_manifest_of_a_megabyte_is_not_read(stick: Path) -> None:
    repacked(stick, lambda files: files.update({"manifest.json": b" " * ((1 << 20) + 1)}))
    assert "larger than a manifest may be" in refusal(stick)


def test_a_full_disk_says_where_room_is_needed(
    stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100, 65, 35))  # the models take 36
    assert "set TMPDIR to a place with room" in refusal(stick)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("manifest.json", True),
        ("order.json", True),
        (f"models/{'a' * 64}.tflite", True),
        ("wheels/numpy-2.4.6-cp311-cp311-manylinux_2_28_aarch64.whl", True),
        (f"models/{'a' * 63}.onnx", False),
        (f"models/{'a' * 64}.onnx\n", False),
        ("wheels/../order.json", False),
        ("wheels/.whl", False),
        ("wheels/a/b.whl", False),
        ("./order.json", False),
    ],
)
def test_a_name_belongs_to_a_bundle_or_not(name: str, ours: bool) -> None:
    assert is_ours(name) is ours


def test_a_folder_or_an_archive_is_meant_as_a_bundle(tmp_path: Path) -> None:
    assert is_bundle(tmp_path)
    assert is_bundle(tmp_path / "a.ZIP")
    assert not is_bundle(tmp_path / "model.onnx")
