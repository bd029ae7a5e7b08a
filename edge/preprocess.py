"""From an image to what a network is fed with: the preprocessing of the training, in numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edge.errors import EdgeError
from edge.manifest import Manifest
from edge.resize import resize
from edge.runtimes import ModelRejected, Tensor

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as Pillow makes grey of RGB
_LEVELS = 255.0  # an 8-bit pixel of this value is 1


class BadImage(EdgeError, ValueError):
    """An array that is no image, or none that this network can look at."""


class Batch(NamedTuple):
    """Arrays of one image each, what goes in or what comes out; `single` of no batch."""

    arrays: list[Array]
    single: bool


class Preprocessing:
    """Makes what `tensor`, the input of a network of the family, takes.

    An image is (H, W, C) with one or three channels, red first, or (H, W), which has one; a batch
    is (N, H, W, C). uint8 pixels are 0 to 255, floating-point ones 0 to 1. Any size and both
    numbers of channels will do: images are made grey or given three equal channels, then resized
    as for training, then normalised, (pixel - mean) / std, and quantised where the input is.
    """

    def __init__(self, manifest: Manifest, tensor: Tensor) -> None:
        self._channels, self._height, self._width = manifest.input_shape
        self._axes = _layout(manifest.input_shape, tensor)
        mean = np.asarray(manifest.mean, np.float32)
        std = np.asarray(manifest.std, np.float32)
        self._factor, self._shift = 1 / std, -mean / std  # of pixels from 0 to 1, per channel
        self._store = _storing(tensor)

    def __call__(self, images: npt.ArrayLike) -> Batch:
        """Raises BadImage."""
        found = np.asarray(images)
        if found.ndim == 4:
            return Batch([self._one(image) for image in found], single=False)
        return Batch([self._one(found)], single=True)

    def _one(self, image: Array) -> Array:
        pixels = self._fit(_checked(image))
        if image.dtype == np.uint8:
            normal = pixels * (self._factor / np.float32(_LEVELS)) + self._shift
        else:
            normal = pixels * self._factor + self._shift
        if self._axes == "NCHW":
            normal = normal.transpose(2, 0, 1)
        return self._store(normal[None])

    def _fit(self, image: Array) -> Floats:
        """(H, W, C) in the network's size and with its channels; levels stay what they were."""
        channels = image.shape[2]
        pixels: Floats = image.astype(np.float32)
        whole = image.dtype == np.uint8  # the training saw whole levels, after every step
        if channels == 3 and self._channels == 1:
            grey = (pixels @ _LUMA)[..., None]
            pixels = np.rint(grey) if whole else grey
        elif channels == 1 and self._channels == 3:
            pixels = np.repeat(pixels, 3, axis=2)
        elif channels != self._channels:
            raise BadImage(
                f"an image of {channels} channels, where the network takes {self._channels}: give "
                "grey or RGB"
            )
        if pixels.shape[:2] == (self._height, self._width):
            return pixels
        pixels = resize(pixels, self._height, self._width)
        return np.rint(pixels) if whole else pixels


def _checked(image: Array) -> Array:
    """The image as (H, W, C). Raises BadImage."""
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or 0 in image.shape:
        raise BadImage(
            f"an array of shape {image.shape} is no image: give (H, W, C) or (H, W), or a batch "
            "(N, H, W, C)"
        )
    if image.dtype == np.uint8:
        return image
    if image.dtype.kind != "f":
        raise BadImage(f"pixels of type {image.dtype}: give uint8 from 0 to 255 or floats, 0 to 1")
    low, high = image.min(), image.max()
    if not (low >= 0 and high <= 1):  # NaN is neither
        raise BadImage(
            f"floating-point pixels from {low:g} to {high:g}: give them from 0 to 1, not yet "
            "normalised, or give uint8"
        )
    return image


def _layout(shape: tuple[int, int, int], tensor: Tensor) -> str:
    """How the model's input is laid out. Raises ModelRejected where it is another network's."""
    channels, height, width = shape
    layouts = {"NCHW": (1, channels, height, width), "NHWC": (1, height, width, channels)}
    for name, sizes in layouts.items():
        if tensor.shape == sizes:
            return name
    raise ModelRejected(
        f"the model takes {tensor.shape}, which is neither {layouts['NCHW']} nor "
        f"{layouts['NHWC']}: its family.json describes another model"
    )


def _storing(tensor: Tensor) -> Callable[[Floats], Array]:
    """Numbers as `tensor` stores them. Raises ModelRejected for a type that it cannot be."""
    if tensor.dtype.kind == "f":
        return lambda x: np.ascontiguousarray(x, tensor.dtype)
    if tensor.scale is None or tensor.dtype.kind not in "iu":
        raise ModelRejected(f"the model takes {tensor.dtype} without a scale: export it again")
    info, scale, zero_point = np.iinfo(tensor.dtype), np.float32(tensor.scale), tensor.zero_point

    def quantise(x: Floats) -> Array:
        steps = np.rint(x / scale) + zero_point
        return np.ascontiguousarray(steps.clip(info.min, info.max), tensor.dtype)

    return quantise


def dequantise(x: Array, tensor: Tensor) -> Floats:
    """The numbers that an output stands for."""
    if tensor.scale is None:
        return x.astype(np.float32, copy=False)
    return (x.astype(np.float32) - tensor.zero_point) * np.float32(tensor.scale)
