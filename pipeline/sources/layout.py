"""A folder per class: which files there are, and what they are labelled."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from pipeline.sources.labelled import DataError, check_classes

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
)
_VALIDATION = {"val", "valid", "validation", "dev"}


@dataclass(frozen=True)
class Images:
    """Image files and their labels, in the order of their classes and names."""

    paths: tuple[Path, ...]
    labels: tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """What a folder of images holds."""

    classes: tuple[str, ...]  # in the order of their names
    train: Images
    test: Images | None  # None where the folder has no test/
    others: tuple[Path, ...]  # files that are no images

    @property
    def files(self) -> list[Path]:
        """All that lies in the classes, in the order of the names."""
        test = self.test.paths if self.test else ()
        return sorted([*self.train.paths, *test, *self.others])


def find(folder: Path) -> Layout:
    """Look through `folder`: a folder per class, or such folders in train/ and test/.

    Names that start with a dot are passed over. Raises DataError.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; data.path names the one with a folder per class")
    parts = {part.name for part in _folders(folder)}
    if not ("train" in parts and parts <= {"train", "test"} | _VALIDATION):
        classes, train, others = _training(folder)
        return Layout(classes, train, None, others)
    for name in sorted(parts & _VALIDATION):
        raise DataError(
            f"{folder / name}: the hold-out images are split off train/; move these images there, "
            "or call the folder test/"
        )
    classes, train, others = _training(folder / "train")
    if "test" not in parts:
        return Layout(classes, train, None, others)
    test_classes, test, more = _labelled(folder / "test")
    _check_same(classes, test_classes, folder)
    return Layout(classes, train, test, others + more)


def _training(folder: Path) -> tuple[tuple[str, ...], Images, tuple[Path, ...]]:
    found = _labelled(folder)
    check_classes(found[0], str(folder))
    return found


def _labelled(folder: Path) -> tuple[tuple[str, ...], Images, tuple[Path, ...]]:
    """Classes, images with labels, and other files of a folder of class folders."""
    lying = [path.name for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES]
    if lying:
        raise DataError(
            f"{folder}: {len(lying)} images are in no class, such as {lying[0]}; "
            "put each into the folder of its class"
        )
    folders = {_class_name(path): path for path in _folders(folder)}
    if len(folders) < len(_folders(folder)):
        raise DataError(f"{folder}: two class folders have the same name, spelt differently")
    classes = tuple(sorted(folders))
    paths: list[Path] = []
    labels: list[int] = []
    others: list[Path] = []
    for label, name in enumerate(classes):
        images = [path for path in files(folders[name]) if path.suffix.lower() in SUFFIXES]
        others += [path for path in files(folders[name]) if path.suffix.lower() not in SUFFIXES]
        if not images:
            raise DataError(
                f"{folders[name]} holds no image ({', '.join(sorted(SUFFIXES))}): "
                "put some there, or delete the folder"
            )
        paths += images
        labels += [label] * len(images)
    return classes, Images(tuple(paths), tuple(labels)), tuple(others)


def _class_name(folder: Path) -> str:
    """The same on every machine: some file systems take accents apart."""
    return unicodedata.normalize("NFC", folder.name)


def _folders(folder: Path) -> list[Path]:
    return [p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "__MACOSX"))]


def files(folder: Path) -> list[Path]:
    """Every file at any depth, in the order of the names; those with a dot first are left out."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, name) for name in names if not name.startswith(".")]
    return sorted(found)


def _check_same(train: tuple[str, ...], test: tuple[str, ...], folder: Path) -> None:
    for name in sorted({*train} ^ {*test}):
        there, missing = ("train", "test") if name in train else ("test", "train")
        raise DataError(
            f"{folder / missing} has no folder {name!r}, which {there}/ has: both need every class"
        )
