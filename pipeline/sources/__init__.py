"""Where data sets come from: a reader per name that `data.name` can have."""

from __future__ import annotations

from pathlib import Path

from pipeline.params import DataParams
from pipeline.sources.labelled import Raw

RAW_FOLDER = Path("data/raw")  # where downloads are kept


def read(params: DataParams, root: Path) -> Raw:
    """The data set that `params` names; paths are below `root`.

    Raises fetch.DataUnavailable for a public data set that no place holds, and DataError for
    images or labels that cannot be used.
    """
    # Pillow is imported only where images are read.
    from pipeline.sources import cifar10, fashion_mnist, images, npz
    from pipeline.sources.resize import resized

    if params.name == "images":  # of different sizes: resized one by one
        return images.read(params, root)
    if params.name == "npz":
        return resized(npz.read(params, root), params)
    public = {"fashion-mnist": fashion_mnist.DATA, "cifar-10": cifar10.DATA}[params.name]
    return resized(public.read(params.path, root, RAW_FOLDER), params)
