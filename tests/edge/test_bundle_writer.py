from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from edge import __version__, bundle_writer
from edge.bundle import BundleError, read
from edge.bundle_writer import write
from tests.edge.bundles import WHEN, bundle, models_in, order, sha256

MODELS = {"one": b"first model", "two": b"second"}


def test_a_bundle_says_what_is_in_it(tmp_path: Path) -> None:
    bundle(tmp_path / "stick.zip", MODELS)
    with zipfile.ZipFile(tmp_path / "stick.zip") as archive:
        names = archive.namelist()
        manifest = json.loads(archive.read("manifest.json"))
        text = archive.read("order.json")
    one, two = sorted(map(sha256, MODELS.values()))
    assert names == ["manifest.json", "order.json", f"models/{one}.onnx", f"models/{two}.onnx"]
    assert text.decode() == order(MODELS).to_json()
    assert manifest == {
        "version": 1,
        "edgefacet": __version__,
        "created": "2026-07-01T12:00:00+00:00",
        "order": {"sha256": order(MODELS).id, "size_bytes": len(text)},
        "models": [
            {"sha256": sha256(content), "size_bytes": len(content)}
            for content in sorted(MODELS.values(), key=sha256)
        ],
        "wheels": [],
    }


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_equal_content_gives_equal_bytes(tmp_path: Path, suffix: str) -> None:
    first = bundle(tmp_path / "a" / f"stick{suffix}", MODELS).path
    second = bundle(tmp_path / "b" / f"stick{suffix}", MODELS).path
    assert first.read_bytes() == second.read_bytes()


def test_a_model_of_two_subjects_is_packed_once(tmp_path: Path) -> None:
    made = bundle(tmp_path / "stick.zip", {"one": b"same", "two": b"same"})
    assert len(made.order.models) == 2
    assert len(read(made.path).manifest.models) == 1


def test_wheels_go_along_by_name(tmp_path: Path) -> None:
    files = models_in(tmp_path, MODELS)
    wheels = [tmp_path / name for name in ("b-2-py3-none-any.whl", "a-1-py3-none-any.whl")]
    for path in wheels:
        path.write_bytes(path.name.encode())
    write(tmp_path / "stick.tar", order(MODELS), files, created=WHEN, wheels=wheels)
    found = read(tmp_path / "stick.tar")
    found.verify()
    assert [wheel.name for wheel in found.manifest.wheels] == [
        "a-1-py3-none-any.whl",
        "b-2-py3-none-any.whl",
    ]


def test_what_is_no_wheel_is_refused(tmp_path: Path) -> None:
    (tmp_path / "setup.py").write_text("import os")
    files = models_in(tmp_path, MODELS)
    with pytest.raises(BundleError, match="is no wheel: name"):
        write(
            tmp_path / "stick.zip",
            order(MODELS),
            files,
            created=WHEN,
            wheels=[tmp_path / "setup.py"],
        )


@pytest.mark.parametrize("content", [b"First model", b"first"])
@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_a_model_that_changed_since_spoils_no_old_bundle(
    tmp_path: Path, content: bytes, suffix: str
) -> None:
    path = bundle(tmp_path / f"stick{suffix}", MODELS).path
    before = path.read_bytes()
    files = models_in(tmp_path / "sources", MODELS)
    (tmp_path / "sources" / "one").write_bytes(content)
    with pytest.raises(BundleError, match="one is not the file that was ordered"):
        write(path, order(MODELS), files, created=WHEN)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["sources", path.name]


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"ends in \.zip or \.tar"):
        bundle(tmp_path / "stick.tar.gz", MODELS)


def test_a_bundle_has_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_writer, "MAX_BUNDLE_BYTES", 100)
    with pytest.raises(BundleError, match="make several bundles"):
        bundle(tmp_path / "stick.zip", MODELS)
    assert not (tmp_path / "stick.zip").exists()
