"""The user's own images: a folder per class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.params import DataParams
from pipeline.progress import Progress
from pipeline.sources import layout
from pipeline.sources.labelled import DataError, Labelled, Raw, check_memory
from pipeline.sources.pictures import Header, Size, header
from pipeline.sources.pictures import read as read_picture

T = TypeVar("T")

_SHOWN = 5  # of the files that cannot be used


def read(params: DataParams, root: Path) -> Raw:
    """Decode the images in the folder `params.path` below `root`.

    Raises DataError, naming the files, where any of them cannot be used.
    """
    assert params.path is not None
    folder = root / params.path
    found = layout.find(folder)
    parts = [part for part in (found.train, found.test) if part is not None]
    paths = [path for part in parts for path in part.paths]
    headers = list(_each(header, paths, "look"))
    channels = _channels(headers) if params.channels == "auto" else params.channels
    size = params.size or _common_size(headers, folder)
    check_memory(len(paths), size, channels)
    train, *test = (_decode(part, size, channels) for part in parts)
    return Raw(train, test[0] if test else None, found.classes, _remark(headers, size, found))


def _decode(images: layout.Images, size: Size, channels: int) -> Labelled:
    x = np.empty((len(images.paths), *size, channels), np.uint8)

    def one(path: Path) -> NDArray[np.uint8]:
        return read_picture(path, size, channels)

    for place, picture in zip(x, _each(one, images.paths, "decode"), strict=True):
        place[...] = picture
    return Labelled(x, np.array(images.labels, np.int64))


def _each(function: Callable[[Path], T], paths: Sequence[Path], label: str) -> Iterator[T]:
    """The results in the order of `paths`; every file is tried before DataError lists the bad."""
    problems = []

    def attempt(path: Path) -> T | DataError:
        try:
            return function(path)
        except DataError as error:
            return error

    with ThreadPoolExecutor() as pool, Progress(label, len(paths)) as progress:
        for result in pool.map(attempt, paths):
            progress.advance()
            if isinstance(result, DataError):
                problems.append(str(result))
            elif not problems:
                yield result
    if problems:
        lines = [f"{len(problems)} of {len(paths)} files cannot be used:", *problems[:_SHOWN]]
        lines += [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        raise DataError("\n  ".join(lines) + "\nrepair or delete them")


def _channels(headers: Sequence[Header]) -> int:
    return 3 if any(one.has_colour for one in headers) else 1


def _common_size(headers: Sequence[Header], folder: Path) -> Size:
    sizes = Counter(one.size for one in headers).most_common()
    if len(sizes) > 1:
        some = ", ".join(f"{height}x{width}" for (height, width), _ in sizes[:3])
        raise DataError(
            f"{folder}: the images have {len(sizes)} sizes (height x width: {some}"
            f"{', …' if len(sizes) > 3 else ''}); set data.size in params.yaml, such as [96, 96]"
        )
    return sizes[0][0]


def _remark(headers: Sequence[Header], size: Size, found: layout.Layout) -> str:
    resized = sum(one.size != size for one in headers)
    lines = []
    if resized:
        lines.append(
            f"{resized} of {len(headers)} images resized to {size[0]}x{size[1]} pixels (Pillow, "
            "bilinear with antialiasing; the aspect ratio is not kept)"
        )
    if found.others:
        lines.append(f"{len(found.others)} files are no images, such as {found.others[0]}")
    return "\n".join(lines)
