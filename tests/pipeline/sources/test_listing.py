import json
import os

import numpy as np
import pytest
from PIL import Image

from pipeline.params import DataParams
from pipeline.sections.data import Outline
from pipeline.sources import listing
from pipeline.sources.labelled import DataError

SHARES = {"weights": 0.5, "architecture": 0.3, "holdout": 0.2}


@pytest.fixture
def folder(tmp_path):
    for number in range(10):
        path = tmp_path / "set" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (5, 3)).save(path)
    return tmp_path


PARAMS = DataParams(name="images", path="set", **SHARES)


def written(root, params=PARAMS):
    listing.write(params, root)
    return (root / "results/source.json").read_text()


def test_the_same_files_are_the_same_listing(folder):
    first = written(folder)
    assert written(folder) == first
    seen = json.loads(first)
    assert (seen["name"], seen["path"], seen["files"]) == ("images", "set", 10)
    assert seen["size_bytes"] == sum(p.stat().st_size for p in folder.glob("set/*/*.png"))


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.unlink(),
        lambda path: path.rename(path.with_name("other.png")),
        lambda path: path.write_bytes(path.read_bytes() + b" "),
        lambda path: os.utime(path, ns=(0, 0)),
        lambda path: path.with_name("new.png").touch(),
    ],
)
def test_a_file_that_changes_in_any_way_changes_it(folder, change):
    before = written(folder)
    change(folder / "set/a/0.png")
    assert written(folder) != before


def test_the_images_of_a_class_folder_that_is_a_link_are_seen(folder):
    (folder / "set/b").rename(folder / "elsewhere")
    (folder / "set/b").symlink_to(folder / "elsewhere", target_is_directory=True)
    before = written(folder)
    assert json.loads(before)["files"] == 10
    (folder / "elsewhere/1.png").write_bytes(b"another")
    assert written(folder) != before


def test_what_no_image_is_taken_from_is_not_listed(folder):
    before = written(folder)
    for name in (".DS_Store", "a/.DS_Store", "a/.thumbnails", "notes.txt"):
        (folder / "set" / name).touch()
    assert written(folder) == before


@pytest.mark.parametrize("name", ["images", "fashion-mnist"])
def test_a_link_to_nothing_is_named(folder, name):
    (folder / "set/a/lost.png").symlink_to(folder / "nowhere.png")
    with pytest.raises(DataError, match=r"data\.path: .*lost\.png cannot be read: No such file"):
        listing.write(PARAMS.model_copy(update={"name": name}), folder)


def test_a_public_data_set_has_no_files_to_look_at(tmp_path):
    assert json.loads(written(tmp_path, DataParams())) == {"name": "fashion-mnist", "path": None}


def test_a_missing_place_is_named(tmp_path):
    with pytest.raises(DataError, match=r"data\.path: .*set does not exist"):
        listing.write(PARAMS, tmp_path)


def test_the_outline_of_public_data_is_known():
    assert listing.outline(DataParams()) == Outline(60_000, 28, 28)
    assert listing.outline(DataParams(name="cifar-10", weights=9)) == Outline(50_000, 32, 32)
    assert listing.outline(DataParams(size=[9, 8])) == Outline(60_000, 9, 8)


def test_the_outline_of_a_folder_leaves_the_test_images_out(folder):
    assert listing.outline(PARAMS, folder) == Outline(8, 3, 5, ("a", "b"))  # 20 % of ten are two
    resized = PARAMS.model_copy(update={"size": (96, 64)})
    assert listing.outline(resized, folder) == Outline(8, 96, 64, ("a", "b"))


def test_the_outline_of_an_npz_file_is_read_from_its_header(tmp_path):
    x = np.zeros((20, 6, 7), np.uint8)
    np.savez(tmp_path / "own.npz", x=x, y=np.zeros(20, int))
    params = DataParams(name="npz", path="own.npz", **SHARES)
    assert listing.outline(params, tmp_path) == Outline(16, 6, 7)
    np.savez(tmp_path / "own.npz", x=x, x_test=x)
    assert listing.outline(params, tmp_path) == Outline(20, 6, 7)


def test_a_split_that_cannot_fit_is_found_before_anything_is_read(folder):
    params = DataParams(name="images", path="set", weights=7, architecture=1, holdout=1)
    with pytest.raises(
        DataError, match=r"data: weights \+ architecture \+ holdout = 9 images, but"
    ):
        listing.outline(params, folder)
