import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from pipeline.sources import pictures
from pipeline.sources.labelled import DataError


def saved(tmp_path, image, name="a.png", **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


def array(values, mode=None):
    return (
        Image.fromarray(np.array(values, np.uint8), mode)
        if mode
        else Image.fromarray(np.array(values, np.uint8))
    )


def test_rgb_is_height_width_channels(tmp_path):
    pixels = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    path = saved(tmp_path, Image.fromarray(pixels))
    np.testing.assert_array_equal(pictures.read(path, None, 3), pixels)
    assert pictures.header(path) == pictures.Header((2, 3), has_colour=True)


def test_grey_gets_a_channel_or_three_equal_ones(tmp_path):
    path = saved(tmp_path, array([[0, 7], [9, 255]]))
    assert pictures.read(path, None, 1).tolist() == [[[0], [7]], [[9], [255]]]
    assert pictures.read(path, None, 3)[1, 1].tolist() == [255, 255, 255]
    assert not pictures.header(path).has_colour


def test_colour_becomes_grey_by_its_luma(tmp_path):
    path = saved(tmp_path, array([[[255, 0, 0]]]))
    assert pictures.read(path, None, 1).tolist() == [[[76]]]  # 0.299 * 255


def test_transparency_is_put_on_white(tmp_path):
    """Black, transparent, half and not at all; grey with alpha the same."""
    path = saved(tmp_path, array([[[0, 0, 0, 0], [0, 0, 0, 51], [0, 0, 0, 255]]]))
    assert pictures.read(path, None, 3)[0, :, 0].tolist() == [255, 204, 0]
    path = saved(tmp_path, Image.merge("LA", [array([[0, 0]]), array([[0, 255]])]))
    assert pictures.read(path, None, 1)[0, :, 0].tolist() == [255, 0]
    assert not pictures.header(path).has_colour


def palette(**options):
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putdata([1, 0])
    image.info |= options
    return image


def test_a_palette_is_looked_up(tmp_path):
    path = saved(tmp_path, palette())
    assert pictures.read(path, None, 3)[0].tolist() == [[40, 50, 60], [10, 20, 30]]
    path = saved(tmp_path, palette(), transparency=0)
    assert pictures.read(path, None, 3)[0].tolist() == [[40, 50, 60], [255, 255, 255]]


def test_sixteen_bits_become_eight(tmp_path):
    """0 to 65535 in steps of 257; halves are rounded up."""
    levels = np.array([[0, 257, 257 * 7 + 129, 65535]], np.uint16)
    for name in ("a.png", "a.tiff"):
        path = saved(tmp_path, Image.fromarray(levels), name)
        assert pictures.read(path, None, 1)[0, :, 0].tolist() == [0, 1, 8, 255]
        assert not pictures.header(path).has_colour


@pytest.mark.parametrize(
    "pixels", [np.array([[70_000]], np.int32), np.array([[-1]], np.int32), np.array([[0.5]], "f4")]
)
def test_pixels_of_an_unknown_range_are_refused(tmp_path, pixels):
    path = saved(tmp_path, Image.fromarray(pixels), "a.tiff")
    with pytest.raises(DataError, match=r"a\.tiff: its pixels are .*save 8 bits"):
        pictures.read(path, None, 1)


def test_cmyk_becomes_rgb(tmp_path):
    path = saved(tmp_path, Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "a.jpg", quality=100)
    red, green, blue = pictures.read(path, None, 3)[4, 4].astype(int)
    assert red > 250
    assert max(green, blue) < 5
    assert pictures.header(path).has_colour


def test_a_camera_held_upright_is_turned(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    pixels = np.zeros((16, 32), np.uint8)
    pixels[:, :16] = 255  # white on the left comes to lie on top
    path = saved(tmp_path, Image.fromarray(pixels), "a.jpg", exif=exif, quality=100)
    assert pictures.header(path).size == (32, 16)
    upright = pictures.read(path, None, 1)
    assert upright.shape == (32, 16, 1)
    assert upright[:14].min() > 250
    assert upright[18:].max() < 5


def test_resizing_is_a_mean_and_no_sample(tmp_path):
    """Stripes of 0 and 200, one pixel wide, become an even 100."""
    path = saved(tmp_path, array([[0, 200] * 8] * 16))
    small = pictures.read(path, (4, 2), 1)
    assert small.shape == (4, 2, 1)
    np.testing.assert_allclose(small, 100, atol=7)  # the border weighs one stripe more


def test_a_large_photo_is_decoded_to_about_what_is_needed(tmp_path):
    path = saved(tmp_path, Image.new("RGB", (640, 480), (200, 100, 50)), "a.jpg", quality=95)
    assert pictures.read(path, (32, 48), 3).shape == (32, 48, 3)


def test_a_torn_file_is_named(tmp_path):
    path = saved(tmp_path, array(np.arange(256).reshape(16, 16)))
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(DataError, match=r"a\.png: "):
        pictures.read(path, None, 1)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_image_is_named(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.png: "):
        pictures.header(path)


def bomb(width, height):
    """A PNG of a few bytes that claims to be enormous."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [10_001, 60_000])
def test_a_decompression_bomb_is_not_decoded(tmp_path, side):
    path = tmp_path / "a.png"
    path.write_bytes(bomb(side, side))
    with pytest.raises(DataError, match=r"a\.png: .*(more than 100 million|decompression bomb)"):
        pictures.header(path)


def test_names_are_no_matter(tmp_path):
    buffer = io.BytesIO()
    array([[5]]).save(buffer, "png")
    path = tmp_path / "füße 花 <&>.JPG"
    path.write_bytes(buffer.getvalue())  # a PNG, whatever its name says
    assert pictures.read(path, None, 1).tolist() == [[[5]]]
