"""Images in the size of a network's input, as they were resized for training, by numpy alone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def resize(image: Floats, height: int, width: int) -> Floats:
    """(H, W, C) → (height, width, C): bilinear with antialiasing, the aspect ratio is not kept.

    A triangle filter, as wide as a pixel of the smaller image, horizontally and then vertically:
    what Pillow calls BILINEAR, but for its rounding to whole numbers between the two.
    """
    if image.shape[1] != width:
        image = np.matmul(_weights(image.shape[1], width), image)  # (H, width, C)
    if image.shape[0] != height:
        rows = image.reshape(image.shape[0], -1)
        image = (_weights(len(rows), height) @ rows).reshape(height, *image.shape[1:])
    return image


@lru_cache(maxsize=16)
def _weights(size: int, wanted: int) -> Floats:
    """(wanted, size): what every old pixel gives to every new one; a row sums to one."""
    scale = size / wanted
    support = max(1.0, scale)
    centres = (np.arange(wanted) + 0.5) * scale
    distances = np.abs(np.arange(size) + 0.5 - centres[:, None])
    weights = np.maximum(0.0, 1.0 - distances / support)
    found: Floats = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return found
