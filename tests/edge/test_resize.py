import numpy as np
import pytest

from edge.resize import resize


def test_halving_weighs_the_pixels_under_the_triangle() -> None:
    """Of 4 to 2 pixels the triangle is 4 wide: centre 1 sees 0.5, 1.5 and 2.5 at distances 0.5, 0.5
    and 1.5 of 2, weights 0.75, 0.75 and 0.25, which sum to 1.75."""
    row = np.array([7, 0, 0, 0], np.float32).reshape(1, 4, 1)
    assert resize(row, 1, 2).ravel() == pytest.approx([7 * 0.75 / 1.75, 0])
    row = np.array([0, 0, 7, 0], np.float32).reshape(1, 4, 1)
    assert resize(row, 1, 2).ravel() == pytest.approx([7 * 0.25 / 1.75, 7 * 0.75 / 1.75])


def test_doubling_interpolates() -> None:
    row = np.array([0, 8], np.float32).reshape(1, 2, 1)
    assert resize(row, 1, 4).ravel() == pytest.approx([0, 2, 6, 8])
    column = row.reshape(2, 1, 1)
    assert resize(column, 4, 1).ravel() == pytest.approx([0, 2, 6, 8])


def test_the_size_it_has_is_left_alone() -> None:
    image = np.random.default_rng(0).random((3, 5, 2), dtype=np.float32)
    assert resize(image, 3, 5) is image


@pytest.mark.parametrize("size", [(28, 28), (7, 90), (64, 48), (200, 150)])
def test_it_is_what_pillow_calls_bilinear(size: tuple[int, int]) -> None:
    pillow = pytest.importorskip("PIL.Image")
    image = np.random.default_rng(1).integers(0, 256, (64, 48, 3), np.uint8)
    expected = np.asarray(
        pillow.fromarray(image).resize(size[::-1], pillow.Resampling.BILINEAR), np.float32
    )
    found = resize(image.astype(np.float32), *size)
    assert found.shape == (*size, 3)
    assert np.abs(found - expected).max() <= 1.01  # it rounds twice
