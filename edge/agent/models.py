"""Model files from the hub: nothing has a model's name before its size and sha256 are right.

Every file lies in a folder of its own, so that a model whose weights are beside it, which ONNX
allows, finds nothing there; one that says so is not even loaded (`edge.runtimes.onnx_data`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge.agent.client import HubAway, HubClient, HubRefuses
from edge.errors import EdgeError
from edge.files import sha256_of, sync_folder
from edge.orders import FailedModel, OrderedModel
from edge.runtimes import get_runtime

DEFAULT_CAP_BYTES = 1 << 30
_GONE = (404, 410)
_TRIES = 2  # a second one in case that the first was damaged on its way


class ModelUnavailable(EdgeError, ValueError):
    """A model that will not be had from this hub; `kind` says why."""

    def __init__(self, kind: Literal["gone", "altered", "rejected"], detail: str) -> None:
        super().__init__(detail)
        self.kind: Literal["gone", "altered", "rejected"] = kind

    def failure(self, sha256: str) -> FailedModel:
        return FailedModel(sha256=sha256, kind=self.kind, detail=str(self)[:2000])


class _Altered(Exception):
    """What came is not what was ordered."""


@dataclass
class ModelCache:
    """Model files by their sha256 below `folder`, the least recently used removed first.

    `check` is called for every piece of a download, and may end it by an exception.
    """

    folder: Path
    cap_bytes: int = DEFAULT_CAP_BYTES
    check: Callable[[], object] = lambda: None
    downloads: int = 0  # that were finished

    def fetch(self, client: HubClient, model: OrderedModel, runtime: str) -> Path:
        """The file of `model`, from the cache or from the hub, in a folder of its own.

        Raises ModelUnavailable, HubAway, HubForbids, or OSError where the disk refuses. What was
        downloaded when the hub went away is kept for the next call.
        """
        path = self._path(model.subject.sha256, runtime)
        if path.exists() and sha256_of(path) == model.subject.sha256:
            os.utime(path)  # used just now
            return path
        path.unlink(missing_ok=True)
        part = self._part(model.subject.sha256)
        self.folder.mkdir(parents=True, exist_ok=True)
        for _ in range(_TRIES):
            try:
                self._download(client, model, part)
            except _Altered as error:
                part.unlink(missing_ok=True)
                why = str(error)
            else:
                _take(part, path)
                self.downloads += 1
                return path
        raise ModelUnavailable("altered", f"{why}, twice: it was deleted")

    def make_room(self, needed_bytes: int, keep: Collection[str], free_bytes: int) -> int:
        """Remove files, but none of `keep`, until `needed_bytes` more are within the cap and within
        `free_bytes`, what the disk has left for them now.

        Returns how many bytes are missing even without these files: then none is removed.
        """
        files = sorted(self._files(), key=lambda path: path.stat().st_mtime)
        sizes = {path: path.stat().st_size for path in files}
        over_bytes = needed_bytes - min(self.cap_bytes - sum(sizes.values()), free_bytes)
        others = [path for path in files if _sha256_in(path) not in keep]
        if (short_bytes := over_bytes - sum(sizes[path] for path in others)) > 0:
            return short_bytes
        for path in others:
            if over_bytes <= 0:
                break
            over_bytes -= sizes[path]
            _remove(path)
        return 0

    def missing_bytes(self, models: Collection[OrderedModel], runtime: str) -> int:
        """What is still to be downloaded of `models`."""
        sizes = {model.subject.sha256: model.size_bytes for model in models}
        return sum(
            max(0, size - _size_bytes(self._part(sha256)))
            for sha256, size in sizes.items()
            if not self._path(sha256, runtime).exists()
        )

    def _files(self) -> list[Path]:
        """Models, and what there is of those whose download broke off."""
        found = (*self.folder.glob("*/model.*"), *self.folder.glob("*.part"))
        return [path for path in found if path.is_file()]

    def _path(self, sha256: str, runtime: str) -> Path:
        return self.folder / sha256 / f"model{get_runtime(runtime).suffix}"

    def _part(self, sha256: str) -> Path:
        return self.folder / f"{sha256}.part"

    def _download(self, client: HubClient, model: OrderedModel, part: Path) -> None:
        """All of `model` into `part`, going on where it ends. Raises _Altered and the above."""
        try:
            self._receive(client, model, part)
        except HubRefuses as error:
            part.unlink(missing_ok=True)
            if error.status in _GONE:
                raise ModelUnavailable("gone", str(error)) from error
            if error.status == 416:  # our beginning is not of what the hub has
                raise _Altered("it has another size than ordered") from error
            raise ModelUnavailable("rejected", str(error)) from error
        received, digest = part.stat().st_size, sha256_of(part)
        if received < model.size_bytes:
            raise HubAway(f"only {received} of {model.size_bytes} bytes of a model came")
        if digest != model.subject.sha256:
            raise _Altered(f"its sha256 is {digest}")

    def _receive(self, client: HubClient, model: OrderedModel, part: Path) -> None:
        have = _size_bytes(part)
        if have == model.size_bytes:
            return
        with client.model(model.subject.sha256, have) as (begin, chunks), part.open("ab") as file:
            if begin not in (0, have):
                raise HubAway(f"the hub sent a model from byte {begin} on, not from {have}")
            file.truncate(begin)
            file.seek(begin)
            for chunk in chunks:
                self.check()
                if file.tell() + len(chunk) > model.size_bytes:
                    raise _Altered(f"it is larger than the {model.size_bytes} bytes ordered")
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())


def _take(part: Path, path: Path) -> None:
    """Give the file its name, for good."""
    path.parent.mkdir(exist_ok=True)
    part.replace(path)
    for folder in (path.parent, path.parent.parent):
        sync_folder(folder)


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sha256_in(path: Path) -> str:
    """Of the model that a file of the cache holds, whole or in part."""
    return path.stem if path.suffix == ".part" else path.parent.name


def _remove(path: Path) -> None:
    if path.suffix == ".part":
        path.unlink()
    else:
        shutil.rmtree(path.parent)
