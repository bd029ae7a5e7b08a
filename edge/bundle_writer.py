"""Write a bundle: an order, its models and, if wished, wheels become one file."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, cast

from pydantic import ValidationError

from edge import __version__
from edge.bundle import (
    MANIFEST,
    MAX_BUNDLE_BYTES,
    ORDER,
    Bundle,
    BundleError,
    Manifest,
    Stored,
    Wheel,
    model_name,
)
from edge.container import SUFFIXES, pack
from edge.errors import first_problem
from edge.files import replacing, sha256_of
from edge.orders import Order


def write(
    out: Path,
    order: Order,
    files: Mapping[str, Path],
    *,
    created: datetime,
    wheels: Sequence[Path] = (),
) -> Bundle:
    """Write the models of `order`, whose `files` are named by sha256, to `out`, .zip or .tar.

    In one step: there is a whole bundle or the old file. Equal content, `created` included, gives
    equal bytes. Raises BundleError for a file that is not what was ordered, or OSError.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise BundleError(f"a bundle is one file that ends in .zip or .tar, which {out} does not")
    text = order.to_json().encode()
    Order.from_json(text)  # what is too large to be read back is not written
    models = {model.subject.sha256: model.size_bytes for model in order.models}
    manifest = _manifest(
        edgefacet=__version__,
        created=created.isoformat(timespec="seconds"),
        order=Stored(sha256=hashlib.sha256(text).hexdigest(), size_bytes=len(text)),
        models=tuple(Stored(sha256=key, size_bytes=models[key]) for key in sorted(models)),
        wheels=tuple(_wheel(path) for path in sorted(wheels, key=lambda path: path.name)),
    )
    bundle = Bundle(out, manifest, order)
    if sum(stored.size_bytes for stored in bundle.files.values()) > MAX_BUNDLE_BYTES:
        raise BundleError(
            f"it would have more than {MAX_BUNDLE_BYTES >> 30} GiB: make several bundles"
        )
    sources = {f"wheels/{path.name}": path for path in wheels}
    sources |= {model_name(order, sha256): files[sha256] for sha256 in models}
    with replacing(out) as file:
        pack(file, out.suffix.lower(), _entries(bundle, text, sources))
    return bundle


def _manifest(**fields: object) -> Manifest:
    try:
        return Manifest.model_validate(fields)
    except ValidationError as error:
        raise BundleError(f"no bundle can be made of this: {first_problem(error, 'it')}") from error


def _wheel(path: Path) -> Wheel:
    fields = {"name": path.name, "sha256": sha256_of(path), "size_bytes": path.stat().st_size}
    try:
        return Wheel.model_validate(fields)
    except ValidationError as error:
        raise BundleError(f"{path} is no wheel: {first_problem(error, 'it')}") from error


def _entries(
    bundle: Bundle, order: bytes, sources: Mapping[str, Path]
) -> Iterator[tuple[str, int, IO[bytes]]]:
    """The small files first: whoever reads the archive as a stream knows what follows."""
    manifest = (bundle.manifest.model_dump_json(indent=1) + "\n").encode()
    yield MANIFEST, len(manifest), io.BytesIO(manifest)
    yield ORDER, len(order), io.BytesIO(order)
    for name, stored in bundle.files.items():
        if name != ORDER:
            with _checked(sources[name], stored) as file:
                yield name, stored.size_bytes, file


@contextmanager
def _checked(path: Path, stored: Stored) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        yield cast("IO[bytes]", _Checked(file, path, stored))


class _Checked:
    """Reads exactly what was announced, and complains where the file has become another one."""

    def __init__(self, file: IO[bytes], path: Path, stored: Stored) -> None:
        self._file = file
        self._path = path
        self._sha256 = stored.sha256
        self._left = stored.size_bytes
        self._digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        wanted = min(size, self._left)
        chunk = self._file.read(wanted)
        self._left -= len(chunk)
        self._digest.update(chunk)
        altered = not self._left and self._digest.hexdigest() != self._sha256
        if altered or len(chunk) < wanted:
            raise BundleError(
                f"{self._path} is not the file that was ordered, with sha256 "
                f"{self._sha256[:12]}…: put that file there, or order again"
            )
        return chunk
