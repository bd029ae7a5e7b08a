from typing import Any

import numpy as np
import pytest

from edge.manifest import Manifest
from edge.preprocess import BadImage, Preprocessing, dequantise
from edge.runtimes import ModelRejected, Tensor


def manifest(channels: int = 1, size: tuple[int, int] = (2, 3), **changes: Any) -> Manifest:
    fields = {
        "dataset": "d",
        "classes": ["a"],
        "input_shape": [channels, *size],
        "mean": [0.5] * channels,
        "std": [0.25] * channels,
        "members": [],
    }
    return Manifest.model_validate({**fields, **changes})


def tensor(*shape: int, dtype: str = "float32", **changes: Any) -> Tensor:
    return Tensor("x", shape, np.dtype(dtype), **changes)


def test_pixels_are_scaled_and_normalised() -> None:
    prepare = Preprocessing(manifest(), tensor(1, 1, 2, 3))
    (x,), single = prepare(np.array([[0, 255, 51], [102, 153, 204]], np.uint8))
    assert single
    assert (x.shape, x.dtype) == ((1, 1, 2, 3), np.float32)
    assert x.ravel() == pytest.approx([-2, 2, -1.2, -0.4, 0.4, 1.2], abs=1e-5)


def test_floats_are_pixels_from_0_to_1() -> None:
    prepare = Preprocessing(manifest(), tensor(1, 1, 2, 3))
    (x,), _ = prepare(np.full((2, 3, 1), 0.75))
    assert x.dtype == np.float32
    assert x.ravel() == pytest.approx([1] * 6)


def test_every_channel_has_its_own_mean() -> None:
    family = manifest(3, mean=[0.0, 0.5, 1.0], std=[1.0, 0.5, 0.25])
    image = np.full((2, 3, 3), 255, np.uint8)
    (planes,), _ = Preprocessing(family, tensor(1, 3, 2, 3))(image)
    assert planes[0, :, 0, 0] == pytest.approx([1, 1, 0], abs=1e-6)
    (pixels,), _ = Preprocessing(family, tensor(1, 2, 3, 3))(image)
    assert pixels.flags.c_contiguous
    assert pixels[0, 0, 0] == pytest.approx([1, 1, 0], abs=1e-6)


def test_colour_becomes_grey_and_grey_becomes_colour() -> None:
    red = np.zeros((2, 3, 3), np.uint8)
    red[..., 0] = 255
    (x,), _ = Preprocessing(manifest(1), tensor(1, 1, 2, 3))(red)
    assert x[0, 0, 0, 0] == pytest.approx((76 / 255 - 0.5) / 0.25)  # 0.299 * 255, a whole level
    (x,), _ = Preprocessing(manifest(3), tensor(1, 3, 2, 3))(np.full((2, 3), 255, np.uint8))
    assert x[0, :, 1, 1].tolist() == [2, 2, 2]


def test_grey_is_what_pillow_makes_of_colour() -> None:
    pillow = pytest.importorskip("PIL.Image")
    image = np.random.default_rng(0).integers(0, 256, (60, 70, 3), np.uint8)
    expected = np.asarray(pillow.fromarray(image).convert("L"), np.float32)
    (x,), _ = Preprocessing(manifest(1, (60, 70)), tensor(1, 1, 60, 70))(image)
    levels = (x[0, 0] * 0.25 + 0.5) * 255
    assert np.abs(levels - expected).max() <= 1.01
    assert np.mean(np.abs(levels - expected) > 0.01) < 0.01  # but for what is next to a half


def test_another_size_is_resized_to_whole_levels() -> None:
    prepare = Preprocessing(manifest(size=(1, 4)), tensor(1, 1, 1, 4))
    (x,), _ = prepare(np.array([[0, 10]], np.uint8))  # 0, 2.5, 7.5, 10: rounded to even
    assert (x.ravel() * 0.25 + 0.5) * 255 == pytest.approx([0, 2, 8, 10], abs=1e-4)
    (x,), _ = prepare(np.array([[0, 1.0]]))
    assert x.ravel() * 0.25 + 0.5 == pytest.approx([0, 0.25, 0.75, 1])


def test_a_batch_is_prepared_image_by_image() -> None:
    prepare = Preprocessing(manifest(), tensor(1, 1, 2, 3))
    arrays, single = prepare(np.zeros((5, 2, 3, 1), np.uint8))
    assert (len(arrays), single, arrays[4].shape) == (5, False, (1, 1, 2, 3))


def test_an_int8_input_is_quantised_by_its_scale() -> None:
    int8 = tensor(1, 1, 2, 3, dtype="int8", scale=0.1, zero_point=5)
    (x,), _ = Preprocessing(manifest(std=[0.01]), int8)(np.array([[0, 1, 0.5]] * 2))
    assert x.dtype == np.int8
    assert x[0, 0, 0].tolist() == [-128, 127, 5]  # (0 - 0.5) / 0.01 = -50 is far below -13.3
    assert dequantise(np.array([5, 15], np.int8), int8) == pytest.approx([0, 1.0])
    plain = np.array([1.5], np.float32)
    assert dequantise(plain, tensor(1)) is plain


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros(3, np.uint8), r"shape \(3,\) is no image"),
        (np.zeros((0, 3), np.uint8), "is no image"),
        (np.zeros((2, 3), np.int64), "pixels of type int64"),
        (np.full((2, 3), 2.0), "from 2 to 2: give them from 0 to 1"),
        (np.full((2, 3), np.nan), "from nan to nan"),
        (np.zeros((2, 3, 4), np.uint8), "4 channels, where the network takes 1"),
    ],
)
def test_what_is_no_image_is_refused(image: Any, message: str) -> None:
    with pytest.raises(BadImage, match=message):
        Preprocessing(manifest(), tensor(1, 1, 2, 3))(image)


def test_the_input_of_another_network_is_refused() -> None:
    with pytest.raises(ModelRejected, match="takes \\(1, 1, 9, 9\\)"):
        Preprocessing(manifest(), tensor(1, 1, 9, 9))
    with pytest.raises(ModelRejected, match="int8 without a scale"):
        Preprocessing(manifest(), tensor(1, 1, 2, 3, dtype="int8"))
