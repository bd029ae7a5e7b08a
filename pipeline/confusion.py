"""Which classes a network takes for which: counts of images, as a file that a person can read."""

from __future__ import annotations

import csv
import io

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edge.files import csv_text
from pipeline.batches import Images
from pipeline.training import EVALUATION_BATCH

Counts = NDArray[np.int64]  # (classes, classes): a row per class that images are of
_CORNER = "images of"


@torch.no_grad()
def confusion(net: nn.Module, images: Images, classes: int) -> Counts:
    """How often `net` takes an image of a class for one of another."""
    net.eval()
    found = torch.cat([net(x).argmax(1) for x, _ in images.in_order(EVALUATION_BATCH)])
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (images.labels.numpy(), found.numpy()), 1)
    return counts


def to_csv(counts: Counts, labels: tuple[str, ...]) -> str:
    """A row per class that images are of, a column per class that they are taken for."""
    rows = ([label, *row] for label, row in zip(labels, counts.tolist(), strict=True))
    return csv_text([_CORNER, *labels], rows)


def from_csv(text: str) -> Counts:
    """What `to_csv` wrote."""
    _, *rows = csv.reader(io.StringIO(text))
    return np.array([[int(count) for count in row[1:]] for row in rows], np.int64)
