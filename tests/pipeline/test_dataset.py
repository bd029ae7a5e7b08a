import numpy as np
import pytest

from pipeline import dataset
from pipeline.data import to_npz


def example(train_x=None):
    """Six training images of 1x2 pixels with 2 channels; two test images."""
    if train_x is None:
        train_x = np.arange(24, dtype=np.uint8).reshape(6, 1, 2, 2)
    return dataset.Dataset(
        train_x=train_x,
        train_y=np.arange(6) % 2,
        test_x=np.zeros((2, 1, 2, 2), np.uint8),
        test_y=np.array([0, 1]),
        classes=("cat", "dog"),
        weights=np.array([0, 2]),
        architecture=np.array([4]),
        holdout=np.array([5]),
    )


def test_what_is_written_is_read_back(tmp_path):
    path = tmp_path / "d.npz"
    path.write_bytes(to_npz(example()))
    read = dataset.load(path)
    assert read.classes == ("cat", "dog")
    for name in ("train_x", "train_y", "test_x", "test_y", "weights", "architecture", "holdout"):
        np.testing.assert_array_equal(getattr(read, name), getattr(example(), name))
        assert getattr(read, name).dtype == getattr(example(), name).dtype


def test_the_input_shape_is_channels_first():
    assert example().input_shape == (2, 1, 2)


def test_mean_and_deviation_are_of_the_learned_images_only():
    train_x = np.full((6, 1, 2, 2), 200, np.uint8)  # images 1, 3 and 5 must not count
    train_x[[0, 2, 4], ..., 0] = [[[0, 0]], [[0, 255]], [[255, 255]]]  # half 0, half 1
    train_x[[0, 2, 4], ..., 1] = 51  # 0.2 everywhere
    data = example(train_x)
    np.testing.assert_allclose(data.mean, [0.5, 0.2], rtol=1e-6)
    np.testing.assert_allclose(data.std, [0.5, 1.0], rtol=1e-6)  # constant: centred, not scaled


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(dataset.DatasetError, match="does not exist; make it with: dvc repro data"):
        dataset.load(tmp_path / "d.npz")


@pytest.mark.parametrize("content", [b"", b"no zip file"])
def test_a_broken_file_says_what_to_do(tmp_path, content):
    path = tmp_path / "d.npz"
    path.write_bytes(content)
    with pytest.raises(dataset.DatasetError, match=r"is no data set .*dvc repro -sf data"):
        dataset.load(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_file_that_is_cut_says_what_to_do(tmp_path, share):
    content = to_npz(example())
    (tmp_path / "d.npz").write_bytes(content[: int(share * len(content))])
    with pytest.raises(dataset.DatasetError, match=r"is no data set .*dvc repro -sf data"):
        dataset.load(tmp_path / "d.npz")


def test_a_file_without_the_split_is_refused(tmp_path):
    np.savez(tmp_path / "d.npz", train_x=np.zeros(1))
    with pytest.raises(dataset.DatasetError, match="train_y"):
        dataset.load(tmp_path / "d.npz")
