"""Stage `data`: Fashion-MNIST as one file of plain arrays, with the split of its images.

Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking
Machine Learning Algorithms", 2017.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.files import write_atomic
from pipeline import fetch, idx
from pipeline.dataset import DATASET_FILE, Dataset
from pipeline.params import DataParams, Params

RAW_FOLDER = Path("data/raw")
_CLASSES = "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot"
CLASSES = tuple(_CLASSES.split(","))


def run(params: Params, root: Path = Path()) -> None:
    """Write the data set below `root`. Raises fetch.DataUnavailable."""
    contents = fetch.first(_sources(params.data, root))
    dataset = build(contents, params.data)
    write_atomic(root / DATASET_FILE, to_npz(dataset))
    train, test = len(dataset.train_y), len(dataset.test_y)
    print(f"{root / DATASET_FILE}: {train} training images, {test} test images")


def build(contents: fetch.Contents, params: DataParams) -> Dataset:
    """The data set in four idx files, split as `params` says."""
    arrays = {name: idx.parse(content) for name, content in contents.items()}
    train_y = arrays["train-labels-idx1-ubyte"].astype(np.int64)
    sizes = (params.weights, params.architecture, params.holdout)
    weights, architecture, holdout = split(len(train_y), sizes, params.seed)
    return Dataset(
        train_x=arrays["train-images-idx3-ubyte"][..., None],
        train_y=train_y,
        test_x=arrays["t10k-images-idx3-ubyte"][..., None],
        test_y=arrays["t10k-labels-idx1-ubyte"].astype(np.int64),
        classes=CLASSES,
        weights=weights,
        architecture=architecture,
        holdout=holdout,
    )


def split(count: int, sizes: tuple[int, ...], seed: int) -> list[NDArray[np.int64]]:
    """Disjoint parts of range(`count`), of the given sizes, each in random order."""
    order = np.random.default_rng(seed).permutation(count)
    ends = np.cumsum(sizes)
    return [order[end - size : end] for end, size in zip(ends, sizes, strict=True)]


def to_npz(dataset: Dataset) -> bytes:
    """The file's content: uncompressed, and the same bytes for the same data set."""
    arrays = {name: value for name, value in vars(dataset).items() if name != "classes"}
    buffer = io.BytesIO()
    np.savez(buffer, classes=np.array(dataset.classes), **arrays)
    return buffer.getvalue()


def _sources(params: DataParams, root: Path) -> list[fetch.Source]:
    """The folder that params.yaml names and no other, or the usual places."""
    folder = params.folder
    if folder is not None:
        return [(f"{folder} (data.folder)", lambda: fetch.read_folder(root / folder))]
    return fetch.sources(root / RAW_FOLDER)
