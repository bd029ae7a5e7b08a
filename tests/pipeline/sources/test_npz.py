import numpy as np
import pytest

from pipeline.params import DataParams
from pipeline.sources import npz
from pipeline.sources.labelled import DataError

X = np.arange(4 * 2 * 3 * 3, dtype=np.uint8).reshape(4, 2, 3, 3)
Y = np.array([0, 1, 2, 1])


@pytest.fixture
def read(tmp_path):
    """Reads a file of these arrays."""

    def of(**arrays):
        np.savez(tmp_path / "own.npz", **arrays)
        return npz.read(DataParams(name="npz", path="own.npz", weights=0.5), tmp_path)

    return of


def test_arrays_are_taken_as_they_are(read):
    raw = read(x=X, y=Y.astype(np.uint8), classes=np.array(["a", "ü", "c d"]))
    np.testing.assert_array_equal(raw.train.x, X)
    assert (raw.train.y.tolist(), raw.train.y.dtype) == ([0, 1, 2, 1], np.int64)
    assert (raw.test, raw.classes) == (None, ("a", "ü", "c d"))


def test_grey_images_get_a_channel_and_classes_their_numbers(read):
    raw = read(x=X[..., 0], y=Y)
    assert raw.train.x.shape == (4, 2, 3, 1)
    assert raw.classes == ("0", "1", "2")


def test_a_test_set_is_taken_where_there_is_one(read):
    raw = read(x=X, y=Y, x_test=X[:2], y_test=Y[:2])
    np.testing.assert_array_equal(raw.test.x, X[:2])
    assert raw.test.y.tolist() == [0, 1]


OBJECTS = np.array([{"a": 1}], dtype=object)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": X.astype(np.float32)}, r"own\.npz: x is float32, not uint8: save pixels as whole"),
        ({"x": np.full((4, 2, 2), np.nan)}, "x is float64, not uint8"),
        ({"x": X.astype(np.int64)}, "x is int64, not uint8"),
        ({"x": X[0]}, r"x has 2 images, y has 4 labels"),
        ({"x": X[0, 0]}, r"x has the shape \(3, 3\), not \(images, height, width\)"),
        (
            {"x": np.zeros((4, 3, 8, 8), np.uint8)},
            r"looks like NCHW: save x\.transpose\(0, 2, 3, 1\)",
        ),
        ({"x": np.zeros((4, 5, 5, 4), np.uint8)}, r"the shape \(4, 5, 5, 4\), not"),
        ({"x": X[:0], "y": Y[:0]}, "x is empty"),
        ({"x": X[:3]}, "x has 3 images, y has 4 labels"),
        ({"y": Y.astype(float)}, r"own\.npz: y is float64: labels are whole numbers"),
        ({"y": np.array([0, 1, np.nan, 1])}, "y is float64: labels are whole numbers"),
        ({"y": Y.astype(bool)}, "y is bool: labels are whole numbers"),
        ({"y": Y[:, None]}, r"y has the shape \(4, 1\); labels are one number per image"),
        ({"y": np.array([0, 1, -2, 1])}, "y has the label -2 at image 2; the lowest is 0"),
        ({"y": Y + 1}, r"no training image is of class 0 \(0\); number the classes"),
        ({"y": Y + 1000}, "the label 1002 at image 2, but there are only 4 images"),
        ({"y": Y * 0}, "has 1 class: a classifier needs two or more"),
        ({"classes": np.array(["a", "b"])}, "the label 2 at image 2, but there are 2 classes"),
        ({"classes": np.array(["a", "b", "a"])}, "two classes are called 'a'"),
        ({"classes": np.array(["a", " ", "c"])}, "a class has an empty name"),
        ({"classes": np.array([1, 2, 3])}, r"classes is int64 of shape \(3,\); write np\.array"),
        ({"classes": np.array(list("abcd"))}, r"no training image is of class 3 \(d\)"),
        ({"x_test": X}, "has x_test and no y_test; give both or neither"),
        ({"x_test": X, "y_test": Y + 1}, "y_test has the label 3 at image 2, but there are 3"),
        ({"x_test": X[:, :1], "y_test": Y}, "x_test holds images of 1x3x3, x of 2x3x3"),
        ({"y": OBJECTS}, "holds Python objects, which are not read: save plain arrays"),
    ],
)
def test_what_cannot_be_used_is_named_with_what_to_do(read, change, message):
    with pytest.raises(DataError, match=message):
        read(**{"x": X, "y": Y} | change)


def test_missing_arrays_are_named(read):
    with pytest.raises(DataError, match=r"has no array 'x'; write it with np\.savez"):
        read(images=X, labels=Y)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"no zip", b"\x93NUMPY"])
def test_what_is_no_npz_says_how_to_write_one(tmp_path, content):
    (tmp_path / "own.npz").write_bytes(content)
    params = DataParams(name="npz", path="own.npz", weights=0.5)
    for look in (lambda: npz.read(params, tmp_path), lambda: npz.shapes(tmp_path / "own.npz")):
        with pytest.raises(DataError, match=r"own\.npz cannot be read as an \.npz file"):
            look()


def changed(content, header):
    """The bytes of an .npz file with one entry, in which what follows its local header differs."""
    start = 30 + content[26] + content[28]  # of the zip format: 30 bytes, a name, an extra field
    return content[:start] + header + content[start + len(header) :]


def test_bytes_that_do_not_unpack_say_so(tmp_path):
    path = tmp_path / "own.npz"
    np.savez_compressed(path, x=X)
    path.write_bytes(changed(path.read_bytes(), b"\xff" * 8))  # no block of DEFLATE starts so
    params = DataParams(name="npz", path="own.npz", weights=0.5)
    for look in (lambda: npz.read(params, tmp_path), lambda: npz.shapes(path)):
        with pytest.raises(DataError, match=r"own\.npz cannot be read as an \.npz file"):
            look()


def test_a_missing_file_is_named(tmp_path):
    params = DataParams(name="npz", path="own.npz", weights=0.5)
    with pytest.raises(DataError, match=r"own\.npz does not exist; data\.path names"):
        npz.read(params, tmp_path)


def test_what_unpacks_to_too_much_is_not_unpacked(tmp_path, read, monkeypatch):
    monkeypatch.setattr(npz, "LARGEST_BYTES", 2**20)
    np.savez_compressed(tmp_path / "bomb.npz", x=np.zeros((2**21,), np.uint8))
    assert (tmp_path / "bomb.npz").stat().st_size < 2**14
    with pytest.raises(DataError, match="unpacks to"):
        npz.read(DataParams(name="npz", path="bomb.npz", weights=0.5), tmp_path)


def test_shapes_are_read_from_the_headers(tmp_path):
    np.savez(tmp_path / "own.npz", x=X, y=Y)
    assert npz.shapes(tmp_path / "own.npz") == {"x": (4, 2, 3, 3), "y": (4,)}
