"""The user's own arrays in one .npz file: `x`, `y`; optionally `x_test`, `y_test`, `classes`."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.dataset import TORN
from pipeline.params import DataParams
from pipeline.sources.labelled import (
    LARGEST_BYTES,
    DataError,
    Labelled,
    Raw,
    check_classes,
    check_every_class_occurs,
)

Array = NDArray[Any]

_NAMES = ("x", "y", "x_test", "y_test", "classes")


def read(params: DataParams, root: Path) -> Raw:
    """The arrays of the file `params.path` below `root`. Raises DataError, which names both."""
    assert params.path is not None
    path = root / params.path
    arrays = _load(path)
    _check_names(arrays, path)
    train = _labelled(arrays, "x", "y", path)
    test = _labelled(arrays, "x_test", "y_test", path) if "x_test" in arrays else None
    classes = _classes(arrays, train.y, path)
    check_classes(classes, str(path))
    _check_range(train.y, classes, f"{path}: y")
    check_every_class_occurs(train.y, classes, str(path))
    if test is not None:
        _check_range(test.y, classes, f"{path}: y_test")
        if test.x.shape[1:] != train.x.shape[1:]:
            raise DataError(
                f"{path}: x_test holds images of {_by(test.x.shape[1:])}, "
                f"x of {_by(train.x.shape[1:])}; make them equal"
            )
    return Raw(train, test, classes)


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of every array, from the headers alone. Raises DataError."""
    try:
        with zipfile.ZipFile(path) as file:
            return {name.removesuffix(".npy"): _shape(file, name) for name in file.namelist()}
    except TORN as error:
        raise _unreadable(path, error) from error


def _shape(file: zipfile.ZipFile, name: str) -> tuple[int, ...]:
    with file.open(name) as member:
        major, _ = np.lib.format.read_magic(member)
        if major == 1:
            return np.lib.format.read_array_header_1_0(member)[0]
        return np.lib.format.read_array_header_2_0(member)[0]


def _load(path: Path) -> dict[str, Array]:
    """Every array of a known name; pickled ones are refused, they could run code."""
    try:
        _check_size(path)
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files if name in _NAMES}
    except TORN as error:
        if isinstance(error, DataError):
            raise
        if "allow_pickle" in str(error) and zipfile.is_zipfile(path):
            raise DataError(
                f"{path} holds Python objects, which are not read: save plain arrays "
                "(labels as integers, classes as np.array(names, dtype=str))"
            ) from error
        raise _unreadable(path, error) from error


def _check_size(path: Path) -> None:
    with zipfile.ZipFile(path) as file:
        size_bytes = sum(entry.file_size for entry in file.infolist())
    if size_bytes > LARGEST_BYTES:
        raise DataError(
            f"{path} unpacks to {size_bytes / 2**30:.1f} GiB, more than "
            f"{LARGEST_BYTES / 2**30:.0f} GiB: store smaller images, or fewer"
        )


def _unreadable(path: Path, error: Exception) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(f"{path} does not exist; data.path names the .npz file")
    return DataError(
        f"{path} cannot be read as an .npz file ({error}); write it with np.savez(path, x=x, y=y)"
    )


def _check_names(arrays: Mapping[str, Array], path: Path) -> None:
    for name in ("x", "y"):
        if name not in arrays:
            raise DataError(
                f"{path} has no array {name!r}; write it with np.savez(path, x=images, y=labels)"
            )
    for one, other in (("x_test", "y_test"), ("y_test", "x_test")):
        if one in arrays and other not in arrays:
            raise DataError(f"{path} has {one} and no {other}; give both or neither")


def _labelled(arrays: Mapping[str, Array], x: str, y: str, path: Path) -> Labelled:
    images = _images(arrays[x], f"{path}: {x}")
    labels = _labels(arrays[y], f"{path}: {y}")
    if len(images) != len(labels):
        raise DataError(f"{path}: {x} has {len(images)} images, {y} has {len(labels)} labels")
    return Labelled(images, labels)


def _images(x: Array, where: str) -> NDArray[np.uint8]:
    """(N, H, W, C)."""
    if x.dtype != np.uint8:
        raise DataError(
            f"{where} is {x.dtype}, not uint8: save pixels as whole numbers from 0 to 255"
        )
    if x.ndim == 3:
        x = x[..., None]
    if x.ndim != 4 or x.shape[-1] not in (1, 3):
        turn = "; it looks like NCHW: save x.transpose(0, 2, 3, 1)"
        channels_first = x.ndim == 4 and x.shape[1] in (1, 3)
        raise DataError(
            f"{where} has the shape {x.shape}, not (images, height, width) or "
            f"(images, height, width, 1 or 3){turn if channels_first else ''}"
        )
    if x.size == 0:
        raise DataError(f"{where} is empty: its shape is {x.shape}")
    return x


def _labels(y: Array, where: str) -> NDArray[np.int64]:
    """(N,)."""
    if y.dtype.kind not in "iu":
        raise DataError(f"{where} is {y.dtype}: labels are whole numbers, 0 for the first class")
    if y.ndim != 1:
        raise DataError(f"{where} has the shape {y.shape}; labels are one number per image: (N,)")
    if y.min(initial=0) < 0:
        raise DataError(f"{where} has the label {y.min()} at image {y.argmin()}; the lowest is 0")
    return y.astype(np.int64)


def _classes(arrays: Mapping[str, Array], y: NDArray[np.int64], path: Path) -> tuple[str, ...]:
    names = arrays.get("classes")
    if names is None:
        _check_numbers(y, f"{path}: y")
        return tuple(str(label) for label in range(int(y.max()) + 1))
    if names.ndim != 1 or names.dtype.kind != "U":
        raise DataError(
            f"{path}: classes is {names.dtype} of shape {names.shape}; "
            "write np.array(names, dtype=str)"
        )
    return tuple(str(name) for name in names)


def _check_numbers(y: NDArray[np.int64], where: str) -> None:
    """Every class has an image, and so more images than the highest label: ids are refused before
    each number below them becomes the name of a class."""
    if y.max() >= len(y):
        raise DataError(
            f"{where} has the label {y.max()} at image {y.argmax()}, but there are only {len(y)} "
            "images: number the classes 0, 1, 2, ..."
        )


def _check_range(y: NDArray[np.int64], classes: tuple[str, ...], where: str) -> None:
    if y.max() >= len(classes):
        raise DataError(
            f"{where} has the label {y.max()} at image {y.argmax()}, but there are "
            f"{len(classes)} classes: the highest is {len(classes) - 1}"
        )


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
