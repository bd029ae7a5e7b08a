"""Versions beside each other, with files that no runtime has to read."""

import os
from pathlib import Path

import pytest

from edge.family import Family, IntegrityError, UnknownVersion
from edge.locks import Locked, locked
from edge.runtimes import MissingRuntime
from edge.runtimes.onnx import OnnxRuntime
from edge.shelf import Shelf, VersionMissing, version_name
from tests.edge import families

pytest.importorskip("onnxruntime")


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    for name in ("v1", "v2"):
        (tmp_path / name).mkdir()
        families.family(tmp_path / name, ("onnx", "fp32"))
    return Shelf(tmp_path)


def link(shelf: Shelf, name: str) -> str:
    return str((shelf.folder / name).readlink())


def test_a_version_is_used_and_rolled_back(shelf: Shelf) -> None:
    assert shelf.use("v1").folder.name == "v1"
    assert Family.load(shelf.folder / "current").folder == (shelf.folder / "v1").resolve()
    shelf.use("v2")
    assert (link(shelf, "current"), link(shelf, "previous")) == ("v2", "v1")
    shelf.use("previous")
    assert (link(shelf, "current"), link(shelf, "previous")) == ("v1", "v2")
    shelf.use("v1")  # it is in use already: what one can roll back to stays
    assert link(shelf, "previous") == "v2"


def test_a_family_that_is_loaded_stays_the_version_that_it_is(shelf: Shelf) -> None:
    shelf.use("v1")
    loaded = Family.load(shelf.folder / "current")
    shelf.use("v2")
    loaded.verify()
    assert loaded.folder.name == "v1"
    assert Family.load(shelf.folder / "current").folder.name == "v2"


def test_a_shelf_that_is_not_there_has_no_version(tmp_path: Path) -> None:
    with pytest.raises(VersionMissing, match="no folder "):
        Shelf(tmp_path / "nowhere").use("v1")
    assert list(tmp_path.iterdir()) == []


def test_versions_are_listed_with_what_is_wrong(shelf: Shelf) -> None:
    shelf.use("v1")
    shelf.use("v2")
    (shelf.folder / "v3").mkdir()
    (shelf.folder / "v3/family.json").write_text('{"version": 9}')
    (shelf.folder / "notes").mkdir()
    v1, v2, v3 = shelf.versions()
    assert (v1.name, v1.current, v1.previous, v1.problem) == ("v1", False, True, None)
    assert (v2.name, v2.current, v2.previous) == ("v2", True, False)
    assert (v3.name, v3.manifest) == ("v3", None)
    assert v3.problem is not None
    assert "version 9 is none" in v3.problem


def test_nothing_that_is_broken_comes_into_use(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.use("v1")
    path = shelf.folder / "v2/large-fp32.onnx"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"!")
    with pytest.raises(IntegrityError, match="'large' has sha256"):
        shelf.use("v2")
    path.write_bytes(content)
    (shelf.folder / "v3").mkdir()
    with pytest.raises(VersionMissing, match=r"holds no family\.json"):
        shelf.use("v3")
    (shelf.folder / "v3/family.json").write_text('{"version": 9}')
    with pytest.raises(UnknownVersion):
        shelf.use("v3")
    for name in ("v4", "../v1", ".", "..", "previous"):
        with pytest.raises(VersionMissing, match="there are: v1, v2, v3"):
            shelf.use(name)

    def missing(_self: object) -> str:
        raise MissingRuntime("onnxruntime is not installed")

    monkeypatch.setattr(OnnxRuntime, "version", missing)
    with pytest.raises(MissingRuntime):
        shelf.use("v2")
    assert link(shelf, "current") == "v1"
    assert not (shelf.folder / "previous").exists()


def test_a_version_is_on_the_disk_before_the_link_leads_to_it(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, bool]] = []

    def sync(path: Path) -> None:
        synced.append((path.name, (shelf.folder / "current").exists()))

    monkeypatch.setattr("edge.shelf.sync_file", sync)
    shelf.use("v1")
    names = ("family.json", "large-fp32.onnx", "small-fp32.onnx")
    assert synced == [(name, False) for name in names]


def test_one_switch_at_a_time(shelf: Shelf) -> None:
    with locked(shelf.folder / ".lock", "a test"), pytest.raises(Locked):
        shelf.use("v1")
    assert shelf.use("v1").folder.name == "v1"


def test_what_a_killed_switch_left_hinders_nobody(shelf: Shelf) -> None:
    (shelf.folder / f".current.{os.getpid()}.tmp").symlink_to("v2")
    shelf.use("v1")
    assert link(shelf, "current") == "v1"


def test_a_version_is_named_by_its_time_and_content(shelf: Shelf) -> None:
    manifest = Family.load(shelf.folder / "v1").manifest
    dated = manifest.model_copy(update={"created": "2026-11-24T12:57:26+00:00"})
    assert version_name(dated).startswith("20261124-125726-")
    assert len(version_name(dated)) == len("20261124-125726-") + 8
    assert version_name(manifest).startswith("unmeasured-")
    other = dated.model_copy(update={"dataset": "another"})
    assert version_name(other) != version_name(dated)
