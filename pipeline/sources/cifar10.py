"""CIFAR-10: 50,000 and 10,000 colour images of 32x32 pixels, ten classes.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009; the files
of its version for Python, which torchvision downloads.
"""

from __future__ import annotations

import io
import pickle
import shutil
import tarfile
import tempfile
import zlib
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pipeline import fetch
from pipeline.fetch import Contents, Files, Source, SourceError
from pipeline.sources.labelled import DataError, Labelled, Raw
from pipeline.sources.public import Public

ARCHIVE = "cifar-10-python.tar.gz"
FOLDER = "cifar-10-batches-py"
_MD5 = {  # as published; nothing in the files is executed, whatever they hold
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
    "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
}
FILES = Files(
    title="CIFAR-10",
    algorithm="md5",
    digests=_MD5,
    advice=f"""  put {ARCHIVE} (or the folder {FOLDER} that it unpacks to) into data/raw
  name the archive, or the folder that holds it, in params.yaml: data.path""",
)
_SIDE = 32


def usual(raw: Path, files: Files = FILES) -> list[Source]:
    """The usual places: `raw`, where downloads are kept, and torchvision."""
    return [
        (str(raw), lambda: read_place(raw, files)),
        ("torchvision's download", lambda: _torchvision(raw, files)),
    ]


def read_place(place: Path, files: Files = FILES) -> Contents:
    """The batch files: `place` is the archive, its folder, or a folder that holds either.

    Raises SourceError.
    """
    names = tuple(files.digests)
    archive = place if place.is_file() else place / ARCHIVE
    if archive.is_file():
        return _unpack(archive, names)
    inner = place / FOLDER
    return fetch.read_folder(inner if inner.is_dir() else place, names)


def parse(contents: Contents) -> Raw:
    """Images and labels of the batch files. Raises DataError."""
    batches = sorted(name for name in contents if name.startswith("data_batch"))
    train = [_batch(name, contents[name]) for name in batches]
    return Raw(
        train=Labelled(
            np.concatenate([part.x for part in train]), np.concatenate([part.y for part in train])
        ),
        test=_batch("test_batch", contents["test_batch"]),
        classes=tuple(_unpickle("batches.meta", contents["batches.meta"])["label_names"]),
    )


def _batch(name: str, content: bytes) -> Labelled:
    """Rows of 3072 bytes are planes of red, green and blue."""
    batch = _unpickle(name, content)
    try:
        planes = np.asarray(batch["data"], np.uint8).reshape(-1, 3, _SIDE, _SIDE)
        labels = np.asarray(batch["labels"], np.int64)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{name} is no batch of CIFAR-10 ({error}); fetch it again") from error
    if len(planes) != len(labels):
        raise DataError(f"{name} has {len(planes)} images and {len(labels)} labels")
    return Labelled(planes.transpose(0, 2, 3, 1), labels)


class _ArraysOnly(pickle.Unpickler):
    """Knows how to make arrays and nothing else: a pickle can ask for any function."""

    _ALLOWED: ClassVar = {
        "_reconstruct": np.empty(0).__reduce__()[0],
        "ndarray": np.ndarray,
        "dtype": np.dtype,
    }

    def find_class(self, module: str, name: str) -> Any:
        if module.partition(".")[0] == "numpy" and name in self._ALLOWED:
            return self._ALLOWED[name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def _unpickle(name: str, content: bytes) -> dict[str, Any]:
    try:
        batch: dict[str, Any] = _ArraysOnly(io.BytesIO(content), encoding="latin1").load()
    except Exception as error:  # whatever a damaged stream makes of itself
        raise DataError(f"{name} is no batch of CIFAR-10 ({error}); fetch it again") from error
    return batch


def _unpack(archive: Path, names: tuple[str, ...]) -> Contents:
    """The files in the archive, read in memory: nothing is extracted."""
    try:
        with tarfile.open(archive) as tar:
            files = {name: tar.extractfile(f"{FOLDER}/{name}") for name in names}
            return {name: file.read() for name, file in files.items() if file is not None}
    except KeyError as error:
        raise SourceError(f"{archive.name} lacks a file: {error.args[0]}") from error
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise SourceError(f"{archive.name} cannot be read: {error}") from error


def _torchvision(raw: Path, files: Files) -> Contents:
    from torchvision.datasets import CIFAR10

    with tempfile.TemporaryDirectory() as folder:
        fetch.torchvision(CIFAR10.url, lambda: CIFAR10(folder, download=True))
        contents = read_place(Path(folder), files)
        files.check(contents)
        raw.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(folder) / ARCHIVE, raw / ARCHIVE)
        return contents


DATA = Public(FILES, read_place, usual, parse)
