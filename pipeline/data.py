"""Stage `data`: any data set as one file of plain arrays, with the split of its images."""

from __future__ import annotations

import io
from dataclasses import fields
from pathlib import Path

import numpy as np

from edge.files import write_atomic
from edge.text import fill
from pipeline import metrics, sources, split
from pipeline.dataset import DATASET_FILE, Dataset
from pipeline.params import DataParams, Params
from pipeline.sources.labelled import DataError, Labelled, Raw, listed


def run(params: Params, root: Path = Path()) -> None:
    """Write the data set below `root`. Raises fetch.DataUnavailable or DataError."""
    raw = sources.read(params.data, root)
    dataset = build(raw, params.data)
    write_atomic(root / DATASET_FILE, to_npz(dataset))
    dataset.shape.write(root)
    metrics.write("data", counts(dataset), root)
    remarks = [f"{root / DATASET_FILE}: {describe(dataset)}"]
    remarks += [f"classes: {listed(dataset.classes)}", *raw.remark.splitlines()]
    if raw.test is None:
        remarks.append(
            f"the test images are {params.data.test_share:.0%} of every class (data.test_share), "
            f"drawn with seed {params.data.seed}"
        )
    print("\n".join(fill(remark, indent=2) for remark in [*remarks, *gaps(dataset)]))


def build(raw: Raw, params: DataParams) -> Dataset:
    """The data set, split as `params` says. Raises DataError where the split does not fit."""
    train, test = (raw.train, raw.test) if raw.test is not None else _split_off(raw, params)
    try:
        sizes = params.parts(len(train))
    except ValueError as error:
        raise DataError(f"data: {error}") from error
    weights, architecture, holdout = split.parts(len(train), sizes, params.seed)
    return Dataset(
        train_x=train.x,
        train_y=train.y,
        test_x=test.x,
        test_y=test.y,
        classes=raw.classes,
        weights=weights,
        architecture=architecture,
        holdout=holdout,
    )


def _split_off(raw: Raw, params: DataParams) -> tuple[Labelled, Labelled]:
    """What is left to train on, and the test images."""
    x, y = raw.train.x, raw.train.y
    chosen = split.stratified(y, params.test_share, raw.classes, params.seed)
    left = np.setdiff1d(np.arange(len(y)), chosen)
    return Labelled(x[left], y[left]), Labelled(x[chosen], y[chosen])


def to_npz(dataset: Dataset) -> bytes:
    """The file's content: uncompressed, and the same bytes for the same data set."""
    names = [field.name for field in fields(dataset) if field.name != "classes"]
    arrays = {name: getattr(dataset, name) for name in names}
    buffer = io.BytesIO()
    np.savez(buffer, classes=np.array(dataset.classes), **arrays)
    return buffer.getvalue()


def counts(dataset: Dataset) -> dict[str, float]:
    """Images of every part, and classes: numbers for ``dvc metrics``."""
    return {
        "weights_images": len(dataset.weights),
        "architecture_images": len(dataset.architecture),
        "holdout_images": len(dataset.holdout),
        "test_images": len(dataset.test_y),
        "classes": len(dataset.classes),
    }


def describe(dataset: Dataset) -> str:
    """Images, their parts, and what they show, as one line."""
    channels, height, width = dataset.input_shape
    parts = (
        f"{len(dataset.weights)} for weights, {len(dataset.architecture)} for architecture, "
        f"{len(dataset.holdout)} held out"
    )
    return (
        f"{len(dataset.train_y)} training images ({parts}) and {len(dataset.test_y)} test images "
        f"of {height}x{width}x{channels}, {len(dataset.classes)} classes"
    )


def gaps(dataset: Dataset) -> list[str]:
    """A warning for every part of the training images in which a class does not occur."""
    warnings = []
    for part in ("weights", "architecture", "holdout"):
        there = set(dataset.train_y[getattr(dataset, part)].tolist())
        missing = [name for label, name in enumerate(dataset.classes) if label not in there]
        if missing:
            warnings.append(
                f"warning: data.{part} has no image of {', '.join(missing)}: "
                "raise its share, or add images of rare classes"
            )
    return warnings
