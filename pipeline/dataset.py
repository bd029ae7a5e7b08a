"""The data set that every later stage reads: plain arrays and the split of the training images."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.errors import EdgeError
from pipeline.data_shape import DataShape

DATASET_FILE = Path("data/dataset.npz")
TORN = (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error)  # of reading an .npz file
_ARRAYS = ("train_x", "train_y", "test_x", "test_y", "weights", "architecture", "holdout")


class DatasetError(EdgeError, ValueError):
    """A data set file that is missing or is not one."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images with labels. The three index arrays are disjoint parts of the training images."""

    train_x: NDArray[np.uint8]  # (N, H, W, C)
    train_y: NDArray[np.int64]  # (N,)
    test_x: NDArray[np.uint8]  # (M, H, W, C)
    test_y: NDArray[np.int64]  # (M,)
    classes: tuple[str, ...]  # the label of class i
    weights: NDArray[np.int64]  # what the supernet's weights learn from
    architecture: NDArray[np.int64]  # what the hypernetwork learns from
    holdout: NDArray[np.int64]  # what ranks architectures

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        _, height, width, channels = self.train_x.shape
        return channels, height, width

    @property
    def shape(self) -> DataShape:
        """What a network must know of it."""
        return DataShape(self.input_shape, len(self.classes))

    @property
    def mean(self) -> NDArray[np.float32]:
        """Mean of each channel, (C,), of pixels in 0..1, over what a search learns from."""
        return self._moments[0]

    @property
    def std(self) -> NDArray[np.float32]:
        """Standard deviation of each channel, (C,), as `mean`; 1 where a channel is constant."""
        return self._moments[1]

    @cached_property
    def _moments(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        # Exact, from counts of the 256 levels: no float copy of the images. The held-out and
        # the test images are left out, or their statistics would leak into the training.
        counts = np.zeros((self.train_x.shape[-1], 256), np.int64)
        for image in np.concatenate([self.weights, self.architecture]):
            for channel, seen in enumerate(counts):
                seen += np.bincount(self.train_x[image, ..., channel].ravel(), minlength=256)
        share = counts / counts.sum(axis=1, keepdims=True)
        level = np.arange(256) / 255
        mean = share @ level
        std = np.sqrt(np.maximum(share @ level**2 - mean**2, 0))
        std[counts.max(axis=1) == counts.sum(axis=1)] = 1  # one level: nothing to divide by
        return mean.astype(np.float32), std.astype(np.float32)


def load(path: Path = DATASET_FILE) -> Dataset:
    """Read what the stage `data` wrote. Raises DatasetError where it is missing or broken."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in _ARRAYS}
            return Dataset(**arrays, classes=tuple(str(c) for c in file["classes"]))
    except FileNotFoundError as error:
        raise DatasetError(f"{path} does not exist; make it with: dvc repro data") from error
    except (KeyError, *TORN) as error:
        raise DatasetError(f"{path} is no data set ({error}); dvc repro -sf data") from error
