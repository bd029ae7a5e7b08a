"""A bundle: an order with its models, to carry to a board that has no network.

A folder, or one .zip or .tar file::

    manifest.json                  what belongs to it, with sizes and sha256
    order.json                     an `edge.orders.Order`
    models/<sha256>.onnx|.tflite   named by their content
    wheels/<name>.whl              if wished: what the board needs to measure them

The manifest names no paths. Nothing is believed before its size and its sha256 are those of the
manifest, and no archive is unpacked by the names in it. Version history of the manifest:

1. first version.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from edge.container import SUFFIXES, Container, opened
from edge.errors import EdgeError, first_problem
from edge.family import FORMATS, MANIFEST_NAME, read_moment
from edge.orders import MAX_MODEL_BYTES, MAX_MODELS, MAX_ORDER_BYTES, Order, Sha256

FORMAT_VERSION: Literal[1] = 1
MAX_BUNDLE_BYTES = 2 << 30  # less than the largest file of a stick with FAT32
MAX_WHEELS = 200
MANIFEST = "manifest.json"
ORDER = "order.json"

_MAX_MANIFEST_BYTES = 1 << 20
_WHEEL = r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,199}\.whl"
_OURS = re.compile(
    rf"{re.escape(MANIFEST)}|{re.escape(ORDER)}|models/[0-9a-f]{{64}}\.[a-z]+|wheels/{_WHEEL}"
)
_AGAIN = "copy the bundle again, or make it again with `facet bundle create`"


class BundleError(EdgeError, ValueError):
    """Data that is no bundle, or one that must not be used."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Stored(_Frozen):
    """A file by its content."""

    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=1, le=MAX_MODEL_BYTES)]


class Wheel(Stored):
    """A package that pip installs."""

    name: Annotated[str, Field(pattern=f"^{_WHEEL}$")]


class Manifest(_Frozen):
    """What belongs to a bundle, and who made it when."""

    version: Literal[1] = FORMAT_VERSION
    edgefacet: Annotated[str, Field(max_length=64)]  # the version that made it
    created: str  # ISO 8601, UTC
    order: Stored
    models: Annotated[tuple[Stored, ...], Field(min_length=1, max_length=MAX_MODELS)]
    wheels: Annotated[tuple[Wheel, ...], Field(max_length=MAX_WHEELS)] = ()

    @field_validator("created")
    @classmethod
    def _is_a_moment(cls, text: str) -> str:
        read_moment(text)
        return text


@dataclass(frozen=True)
class Bundle:
    """A bundle whose order was checked; its models are when they are wanted."""

    path: Path
    manifest: Manifest
    order: Order

    @property
    def files(self) -> dict[str, Stored]:
        """Every file but the manifest, by its name in the bundle."""
        manifest = self.manifest
        return {
            ORDER: manifest.order,
            **{model_name(self.order, model.sha256): model for model in manifest.models},
            **{f"wheels/{wheel.name}": wheel for wheel in manifest.wheels},
        }

    def verify(self) -> None:
        """Read every file. Raises BundleError for the first that is not what the manifest says."""
        with opened(self.path, is_ours) as container:
            for name, stored in self.files.items():
                _read_through(_checked(container, self.path, name, stored))

    @contextmanager
    def models(self) -> Iterator[dict[str, Path]]:
        """The checked model files by sha256: where they lie, or unpacked for as long as this lasts.

        Raises BundleError where one is not what the manifest says, or the disk has no room.
        """
        names = {model_name(self.order, model.sha256): model for model in self.manifest.models}
        size_bytes = sum(stored.size_bytes for stored in names.values())
        with opened(self.path, is_ours) as container, _place(self.path, size_bytes) as folder:
            for name, stored in names.items():
                content = _checked(container, self.path, name, stored)
                if folder == self.path:
                    _read_through(content)
                else:
                    _unpack(content, folder / name)
            yield {stored.sha256: folder / name for name, stored in names.items()}


def is_bundle(path: Path) -> bool:
    """Whether `path` can only be meant as a bundle: a folder or an archive is no model."""
    return path.is_dir() or path.suffix.lower() in SUFFIXES


def is_ours(name: str) -> bool:
    """Whether a file of this name can belong to a bundle."""
    return _OURS.fullmatch(name) is not None


def model_name(order: Order, sha256: str) -> str:
    """The name of a model in the bundle of `order`."""
    return f"models/{sha256}.{FORMATS[order.runtime]}"


def read(path: Path) -> Bundle:
    """Read manifest and order, and compare all sizes with the manifest.

    Raises BundleError, OrderError or ContainerError, which say what to do.
    """
    with opened(path, is_ours) as container:
        if MANIFEST not in container.sizes:
            if (path / MANIFEST_NAME).is_file():
                raise BundleError(f"{path} is a family, no bundle: name it with --family {path}")
            raise BundleError(f"{path} holds no {MANIFEST}, so it is no bundle: {_AGAIN}")
        if sum(container.sizes.values()) > MAX_BUNDLE_BYTES:
            raise BundleError(f"{path} would unpack to more than {MAX_BUNDLE_BYTES >> 30} GiB")
        manifest = _read_manifest(container, path)
        _compare(container, path, ORDER, manifest.order, MAX_ORDER_BYTES)
        order = Order.from_json(b"".join(_checked(container, path, ORDER, manifest.order)))
        bundle = Bundle(path, manifest, order)
        ordered = {(model.subject.sha256, model.size_bytes) for model in order.models}
        if ordered != {(model.sha256, model.size_bytes) for model in manifest.models}:
            raise BundleError(f"{path}: {MANIFEST} and {ORDER} list other models: {_AGAIN}")
        files = bundle.files
        for name, stored in files.items():
            _compare(container, path, name, stored, MAX_MODEL_BYTES)
        for name in container.sizes.keys() - files.keys() - {MANIFEST}:
            raise BundleError(f"{name} in {path} is not listed in {MANIFEST}: {_AGAIN}")
    return bundle


def _read_manifest(container: Container, path: Path) -> Manifest:
    if container.sizes[MANIFEST] > _MAX_MANIFEST_BYTES:
        raise BundleError(f"{MANIFEST} in {path} is larger than a manifest may be: {_AGAIN}")
    text = b"".join(_bounded(container, MANIFEST, container.sizes[MANIFEST]))
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"] == ("version",):
            raise BundleError(
                f"{MANIFEST} in {path}: version {first['input']!r} is not {FORMAT_VERSION}, the "
                "one this edgefacet reads: update edgefacet on the older of the two machines"
            ) from error
        problem = first_problem(error, "manifest")
        raise BundleError(f"{MANIFEST} in {path}: {problem}: {_AGAIN}") from error


def _compare(container: Container, path: Path, name: str, stored: Stored, max_bytes: int) -> None:
    """Before anything of a file is read. `max_bytes` is what such a file may have."""
    if name not in container.sizes:
        raise BundleError(f"{name} is missing in {path}: {_AGAIN}")
    if container.sizes[name] != stored.size_bytes or stored.size_bytes > max_bytes:
        raise BundleError(
            f"{name} in {path} has {container.sizes[name]} bytes, by {MANIFEST} "
            f"{stored.size_bytes}, of at most {max_bytes}: {_AGAIN}"
        )


def _bounded(container: Container, name: str, size_bytes: int) -> Iterator[bytes]:
    """Never more than announced: a header may lie, and a file of a folder may grow."""
    for chunk in container.chunks(name):
        size_bytes -= len(chunk)
        if size_bytes < 0:
            return
        yield chunk


def _checked(container: Container, path: Path, name: str, stored: Stored) -> Iterator[bytes]:
    digest = hashlib.sha256()
    for chunk in _bounded(container, name, stored.size_bytes):
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != stored.sha256:
        raise BundleError(
            f"{name} in {path} is damaged or was altered: its sha256 is "
            f"{digest.hexdigest()[:12]}… instead of {stored.sha256[:12]}…: {_AGAIN}"
        )


def _read_through(content: Iterator[bytes]) -> None:
    for _ in content:
        pass


def _unpack(content: Iterator[bytes], path: Path) -> None:
    with _unpacking(path.parent):
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            file.writelines(content)


@contextmanager
def _place(path: Path, size_bytes: int) -> Iterator[Path]:
    """The bundle's folder; of an archive one that has room for `size_bytes`, and is removed."""
    if path.is_dir():
        yield path
        return
    with _unpacking("a temporary folder"):
        scratch = tempfile.TemporaryDirectory(prefix="facet-")
    with scratch as name:
        free_bytes = shutil.disk_usage(name).free
        if free_bytes < size_bytes:
            raise BundleError(
                f"the models take {size_bytes / 1e6:.1f} MB unpacked, but {Path(name).parent} has "
                f"{free_bytes / 1e6:.1f} MB left: set TMPDIR to a place with room"
            )
        yield Path(name)


@contextmanager
def _unpacking(folder: Path | str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BundleError(
            f"cannot unpack to {folder}: {error.strerror}: set TMPDIR to a place with room"
        ) from error
