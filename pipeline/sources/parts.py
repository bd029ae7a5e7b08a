"""Which folders of a data set are its parts, train and test, and not its classes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.sources.labelled import DataError

_PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("test", "testing"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
}


def find(folder: Path, folders: Sequence[Path]) -> Mapping[str, Path]:
    """`folders` as the parts `train` and, where there is one, `test`; nothing where they are
    classes. Raises DataError for parts that cannot be told apart or are no use, and for folders
    that look like parts and stand beside others."""
    names = [_PARTS.get(path.name.casefold()) for path in folders]
    if "train" not in names or None in names:
        _require_classes(folder, folders)
        return {}
    parts: dict[str, Path] = {}
    for path in sorted(folders):
        part = _PARTS[path.name.casefold()]
        if part == "validation":
            raise DataError(
                f"{path}: the hold-out images are split off train/; move these images there, "
                "or call the folder test/"
            )
        if part in parts:
            raise DataError(
                f"{folder}: {parts[part].name} and {path.name} are both for {part}; put their "
                "images into one"
            )
        parts[part] = path
    return parts


def _require_classes(folder: Path, folders: Sequence[Path]) -> None:
    """A network that tells the images of a train folder from those of a test folder is useless,
    and its accuracy may look good."""
    alike = {part: path for path in folders if (part := _resembled(path))}
    if len(alike) > 1:
        one, other = sorted(path.name for path in alike.values())[:2]
        raise DataError(
            f"{folder}: {one} and {other} look like parts of a data set, not like classes: call "
            "them train and test, with a folder per class in each, and put nothing beside them"
        )


def _resembled(path: Path) -> str | None:
    """The part that a folder of folders resembles by a word of its name, as in seg_train."""
    words = re.split(r"[^a-z]+", path.name.casefold())
    part = next((_PARTS[w] for word in words if (w := word.removesuffix("set")) in _PARTS), None)
    return part if part and all(inner.is_dir() for inner in _shown(path)) else None


def _shown(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]
