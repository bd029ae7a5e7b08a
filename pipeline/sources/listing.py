"""What lies at `data.path`, without reading it: cheap enough to look at in every run.

DVC hashes the dependencies that ``dvc.yaml`` names, and the folder of a user's images has no
name there. The listing is the dependency instead: a file that is added, removed or touched
changes it, where `data` looks at it.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from edge.files import write_atomic
from pipeline.params import DataParams
from pipeline.sections.data import PUBLIC, Outline
from pipeline.sources.labelled import DataError

SOURCE_FILE = Path("results/source.json")


def write(params: DataParams, root: Path = Path()) -> None:
    """Write the listing below `root`; the same files give the same bytes. Raises DataError."""
    listing: dict[str, object] = {"name": params.name, "path": None}
    if params.path is not None:
        listing |= {"path": params.path.as_posix(), **_summary(params, root)}
    write_atomic(root / SOURCE_FILE, json.dumps(listing, indent=2) + "\n")


def outline(params: DataParams, root: Path = Path()) -> Outline:
    """How many images there are to train on, and their size, from names and headers alone.

    Raises DataError where the place or the split of `params` cannot be right.
    """
    seen = PUBLIC[params.name] if params.name in PUBLIC else _look(params, root)
    try:
        params.parts(seen.images)
    except ValueError as error:
        raise DataError(f"data: {error}") from error
    height, width = params.size or (seen.height, seen.width)
    return seen._replace(height=height, width=width)


def _look(params: DataParams, root: Path) -> Outline:
    from pipeline.sources import layout, npz, pictures  # Pillow

    assert params.path is not None
    place = root / params.path
    classes: tuple[str, ...] = ()
    doubt = ""
    if params.name == "npz":
        shapes = npz.shapes(place)
        count, height, width, *_ = (*shapes.get("x", ()), 1, 1, 1)  # `data` says what is wrong
        has_test = "x_test" in shapes
    else:
        found = layout.find(place)
        count, has_test = len(found.train.paths), found.test is not None
        classes, doubt = found.classes, found.doubt
        height, width = pictures.header(found.train.paths[0]).size
    left = count if has_test else count - round(params.test_share * count)
    return Outline(left, height, width, classes, doubt)


def _summary(params: DataParams, root: Path) -> dict[str, object]:
    assert params.path is not None
    place = root / params.path
    digest, files, size_bytes = hashlib.sha256(), 0, 0
    for path in _files(params.name, place):
        found = _stat(path)
        row = (os.fsencode(path.relative_to(place)), found.st_size, found.st_mtime_ns)
        digest.update(repr(row).encode())
        files, size_bytes = files + 1, size_bytes + found.st_size
    return {"files": files, "size_bytes": size_bytes, "listing_sha256": digest.hexdigest()}


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:  # a link to nothing, say
        raise DataError(f"data.path: {path} cannot be read: {error.strerror}") from error


def _files(name: str, place: Path) -> list[Path]:
    """Every file at or below `place` that `data` looks at, in the order of the names."""
    from pipeline.sources import layout

    if place.is_file():
        return [place]
    if not place.is_dir():
        raise DataError(f"data.path: {place} does not exist")
    return layout.find(place).files if name == "images" else layout.files(place)
