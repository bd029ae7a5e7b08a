"""One image file → one array, whatever kind of image it is."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from pipeline.sources.labelled import DataError

Size = tuple[int, int]  # height, width

MAX_PIXELS = 100_000_000  # of one file: a few kilobytes can claim to be gigabytes
_GREY_MODES = {"1", "L", "LA", "La", "I", "F"}
_SIDEWAYS = {5, 6, 7, 8}  # EXIF orientations that swap height and width
_ORIENTATION = 0x0112
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)


class Header(NamedTuple):
    """What a file says about itself before it is decoded."""

    size: Size  # upright
    has_colour: bool


def header(path: Path) -> Header:
    """Raises DataError where the file is no image."""
    with _opened(path) as image:
        width, height = image.size
        # A PNG would be decoded to look for what a camera does not write into it.
        exif = image.getexif() if image.format != "PNG" or "exif" in image.info else {}
        sideways = exif.get(_ORIENTATION) in _SIDEWAYS
        return Header((width, height) if sideways else (height, width), not _is_grey(image))


def read(path: Path, size: Size | None, channels: int) -> NDArray[np.uint8]:
    """(H, W, C), upright, transparency on white. Raises DataError where it cannot be decoded."""
    with _opened(path) as image:
        if size is not None:  # a JPEG decodes faster into not much more than is needed
            image.draft(None, (2 * max(size), 2 * max(size)))
        return fit(_eight_bits(ImageOps.exif_transpose(image)), size, channels)


def fit(image: Image.Image, size: Size | None, channels: int) -> NDArray[np.uint8]:
    """(H, W, C) of an 8-bit image, resized to `size`: bilinear with antialiasing."""
    if image.has_transparency_data:
        over = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", over.size, "white"), over)
    image = image.convert("L" if channels == 1 else "RGB")
    if size is not None and image.size != size[::-1]:
        image = image.resize(size[::-1], Image.Resampling.BILINEAR)
    return np.asarray(image).reshape(image.height, image.width, channels)


def _is_grey(image: Image.Image) -> bool:
    return image.mode in _GREY_MODES or image.mode.startswith("I;16")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey levels of 16 bits as 8; other modes as they are, Pillow converts them."""
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers of an unknown range; save 8 bits")
    if image.mode != "I" and not image.mode.startswith("I;16"):
        return image
    levels = np.asarray(image)
    if levels.min() < 0 or levels.max() > 65535:
        raise ValueError("its pixels are no numbers of 8 or 16 bits; save 8 bits")
    return Image.fromarray(((levels.astype(np.uint32) + 128) // 257).astype(np.uint8))


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(
                    f"{image.width}x{image.height} pixels are more than {MAX_PIXELS // 10**6} "
                    "million; make it smaller"
                )
            yield image
    except UnidentifiedImageError:
        raise DataError(f"{path}: is no image") from None
    except _BROKEN as error:
        raise DataError(f"{path}: {error}") from error
