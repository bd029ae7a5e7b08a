import numpy as np
import pytest

from pipeline import data, metrics
from pipeline.data_shape import DataShape
from pipeline.dataset import DATASET_FILE, load
from pipeline.params import DataParams, Params
from pipeline.sources.labelled import DataError, Labelled, Raw

PARAMS = DataParams(weights=5, architecture=3, holdout=2)


def labelled(count):
    """The level of an image is its number; two classes take turns."""
    x = np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((2, 3, 1), np.uint8)
    return Labelled(x, np.arange(count) % 2)


def raw(train=12, test=4):
    return Raw(labelled(train), labelled(test) if test else None, ("even", "odd"))


def test_images_and_labels_stay_and_the_parts_have_their_sizes():
    built = data.build(raw(), PARAMS)
    assert (built.train_x.shape, built.test_x.shape) == ((12, 2, 3, 1), (4, 2, 3, 1))
    assert [len(p) for p in (built.weights, built.architecture, built.holdout)] == [5, 3, 2]
    assert built.classes == ("even", "odd")


def test_without_test_images_a_share_of_every_class_becomes_them():
    built = data.build(raw(test=0), PARAMS.model_copy(update={"test_share": 1 / 6}))
    assert (len(built.train_y), np.bincount(built.test_y).tolist()) == (10, [1, 1])
    levels = [*built.train_x[:, 0, 0, 0], *built.test_x[:, 0, 0, 0]]
    assert sorted(levels) == list(range(12))
    assert (built.train_x[:, 0, 0, 0] % 2).tolist() == built.train_y.tolist()


def test_shares_are_of_what_is_left_to_train_on():
    params = DataParams(weights=0.5, architecture=0.3, holdout=0.2)
    built = data.build(raw(train=10), params)
    assert [len(p) for p in (built.weights, built.architecture, built.holdout)] == [5, 3, 2]


def test_a_split_larger_than_the_data_says_what_to_write():
    with pytest.raises(DataError, match=r"= 10 images, but fashion-mnist has 9 .* write shares"):
        data.build(raw(train=9), PARAMS)


def test_the_same_data_set_is_the_same_bytes():
    one, two = (data.to_npz(data.build(raw(), PARAMS)) for _ in range(2))
    assert one == two


def test_bytes_do_not_depend_on_what_was_asked_of_the_data_set():
    built = data.build(raw(), PARAMS)
    before = data.to_npz(built)
    assert built.mean.shape == (1,)  # is kept inside
    assert data.to_npz(built) == before


def test_the_stage_reads_own_data_splits_it_and_says_so(tmp_path, capsys):
    own = labelled(20)
    np.savez(tmp_path / "own.npz", x=own.x, y=own.y, classes=np.array(["à", "b"]))
    shares = {"weights": 0.5, "architecture": 0.25, "holdout": 0.25}
    data.run(Params(data={"name": "npz", "path": "own.npz", "size": [4, 4], **shares}), tmp_path)
    read = load(tmp_path / DATASET_FILE)
    assert (read.input_shape, read.classes) == ((1, 4, 4), ("à", "b"))
    assert (len(read.train_y), len(read.test_y)) == (16, 4)
    assert DataShape.read(tmp_path) == read.shape == DataShape((1, 4, 4), classes=2)
    assert metrics.read("data", tmp_path) == {
        "weights_images": 8,
        "architecture_images": 4,
        "holdout_images": 4,
        "test_images": 4,
        "classes": 2,
    }
    said = capsys.readouterr().out
    place = str(tmp_path / DATASET_FILE)  # a path may be wider than the line
    assert max(len(line) for line in said.splitlines() if place not in line) <= 80
    assert " ".join(said.split()).startswith(
        f"{place}: 16 training images (8 for weights, 4 for architecture, 4 held out) "
        "and 4 test images of 4x4x1, 2 classes "
        "classes: à, b "
        "2x3x1 made 4x4x1 (Pillow, bilinear with antialiasing; the aspect ratio is not kept) "
        "the test images are 20% of every class (data.test_share), drawn with seed 0"
    )


def test_a_class_that_a_part_lacks_is_warned_about():
    built = data.build(raw(train=10), PARAMS)
    assert data.gaps(built) == []
    rare = Raw(Labelled(labelled(10).x, np.array([0] * 9 + [1])), labelled(4), ("common", "rare"))
    warnings = data.gaps(data.build(rare, PARAMS))
    assert len(warnings) == 2  # the one image is in one of the three parts
    assert all("has no image of rare: raise its share" in warning for warning in warnings)
