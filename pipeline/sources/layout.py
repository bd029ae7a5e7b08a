"""A folder per class: which files there are, and what they are labelled."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.sources import parts
from pipeline.sources.labelled import DataError, check_classes, listed

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
)


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
    doubt: str = ""  # why the folders may not be the classes

    @property
    def files(self) -> list[Path]:
        """All that lies in the classes, in the order of the names."""
        test = self.test.paths if self.test else ()
        return sorted([*self.train.paths, *test, *self.others])


def find(folder: Path) -> Layout:
    """Look through `folder`: a folder per class, or such folders in train/ and test/, which may be
    called training and testing, in any case.

    Names that start with a dot are passed over. Raises DataError.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; data.path names the one with a folder per class")
    folders = _folders(folder)
    found = parts.find(folder, folders)
    if not found:
        classes, train, others = _training(folder)
        return Layout(classes, train, None, others, _doubt(folders))
    classes, train, others = _training(found["train"])
    if "test" not in found:
        return Layout(classes, train, None, others)
    test_classes, test, more = _labelled(found["test"])
    _check_same(classes, test_classes, found["train"], found["test"])
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
    """Every file at any depth, in the order of the names; those with a dot first are left out.
    Raises OSError for a folder that must not be read: the images in it are not missing."""

    def give_up(error: OSError) -> None:
        raise error

    found = []
    for place, folders, names in os.walk(folder, onerror=give_up):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, name) for name in names if not name.startswith(".")]
    return sorted(found)


def _doubt(folders: Sequence[Path]) -> str:
    """Parts of a data set by names that nobody can list, in any language, hold the same classes."""
    inner = {tuple(sorted(map(_class_name, _folders(path)))) for path in folders}
    same = inner.pop() if len(inner) == 1 else ()
    if len(same) < 2:
        return ""
    return (
        f"every class folder holds the same folders, {listed(same)}: if these are the "
        "classes, call the folders that hold them train and test"
    )


def _check_same(
    train: tuple[str, ...], test: tuple[str, ...], train_folder: Path, test_folder: Path
) -> None:
    for name in sorted({*train} ^ {*test}):
        folders = (train_folder, test_folder)
        there, missing = folders if name in train else folders[::-1]
        raise DataError(
            f"{missing} has no folder {name!r}, which {there.name}/ has: both need every class"
        )
