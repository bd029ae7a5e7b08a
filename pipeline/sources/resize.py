"""Arrays of images in the size and with the channels that `params.yaml` asks for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from pipeline.params import DataParams
from pipeline.sources.labelled import Labelled, Raw, check_memory
from pipeline.sources.pictures import Size, fit


def resized(raw: Raw, params: DataParams) -> Raw:
    """`raw` itself where nothing is to be done. Raises DataError where the images do not fit."""
    _, height, width, channels = raw.train.x.shape
    size = params.size or (height, width)
    wanted = channels if params.channels == "auto" else params.channels
    if (*size, wanted) == (height, width, channels):
        return raw
    check_memory(len(raw.train) + (len(raw.test) if raw.test else 0), size, wanted)
    return replace(
        raw,
        train=_fitted(raw.train, size, wanted),
        test=_fitted(raw.test, size, wanted) if raw.test else None,
        remark=f"{height}x{width}x{channels} made {size[0]}x{size[1]}x{wanted} (Pillow, bilinear "
        "with antialiasing; the aspect ratio is not kept)",
    )


def _fitted(part: Labelled, size: Size, channels: int) -> Labelled:
    x = np.empty((len(part), *size, channels), np.uint8)
    for place, image in zip(x, part.x, strict=True):
        grey = image.shape[-1] == 1
        place[...] = fit(Image.fromarray(image[..., 0] if grey else image), size, channels)
    return Labelled(x, part.y)
