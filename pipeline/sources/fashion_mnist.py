"""Fashion-MNIST: 60,000 and 10,000 grey images of 28x28 pixels, ten classes.

Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking
Machine Learning Algorithms", 2017.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np

from pipeline import fetch, idx
from pipeline.fetch import Contents, Files, Source
from pipeline.sources import debian
from pipeline.sources.labelled import Labelled, Raw
from pipeline.sources.public import Public

PACKAGE = "dataset-fashion-mnist"
PACKAGE_FOLDER = Path("usr/share/datasets/fashion-mnist")  # below the root it is unpacked in
_SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
FILES = Files(
    title="Fashion-MNIST",
    algorithm="sha256",
    digests=_SHA256,
    advice=f"""  install it: sudo apt-get install {PACKAGE}
  put these files (each as it is or as .gz) into data/raw: {", ".join(_SHA256)}
  name the folder that holds them in params.yaml: data.path""",
)
_CLASSES = "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot"
CLASSES = tuple(_CLASSES.split(","))


def read_place(folder: Path, files: Files = FILES) -> Contents:
    """The four files, each as it is or as .gz. Raises SourceError."""
    return fetch.read_folder(folder, tuple(files.digests))


def parse(contents: Contents) -> Raw:
    """The images and labels in the four idx files."""
    arrays = {name: idx.parse(content) for name, content in contents.items()}

    def part(name: str) -> Labelled:
        labels = arrays[f"{name}-labels-idx1-ubyte"].astype(np.int64)
        return Labelled(arrays[f"{name}-images-idx3-ubyte"][..., None], labels)

    return Raw(part("train"), part("t10k"), CLASSES)


def usual(raw: Path, files: Files = FILES, root: Path = Path("/")) -> list[Source]:
    """The usual places: `raw` (where downloads are kept), the system, torchvision, Debian."""
    system = root / PACKAGE_FOLDER
    return [
        (str(raw), lambda: read_place(raw, files)),
        (f"{system} (package {PACKAGE})", lambda: read_place(system, files)),
        ("torchvision's download", lambda: _torchvision(raw, files)),
        (f"apt-get download {PACKAGE}", lambda: from_package(raw, files)),
    ]


def _torchvision(raw: Path, files: Files) -> Contents:
    from torchvision.datasets import FashionMNIST

    with tempfile.TemporaryDirectory() as folder:
        fetch.torchvision(FashionMNIST.mirrors[0], lambda: FashionMNIST(folder, download=True))
        return _keep(Path(folder) / "FashionMNIST/raw", raw, files)


def from_package(raw: Path, files: Files = FILES) -> Contents:
    """The files of the Debian package, kept in `raw`. Raises SourceError."""
    with tempfile.TemporaryDirectory() as folder:
        return _keep(debian.unpack(PACKAGE, Path(folder)) / PACKAGE_FOLDER, raw, files)


def _keep(folder: Path, raw: Path, files: Files) -> Contents:
    """Copy the files of a download into `raw`, where the next run finds them."""
    contents = read_place(folder, files)
    files.check(contents)
    raw.mkdir(parents=True, exist_ok=True)
    for name in contents:
        packed = folder / f"{name}.gz"
        source = packed if packed.exists() else folder / name
        shutil.copyfile(source, raw / source.name)
    return contents


DATA = Public(FILES, read_place, usual, parse)
