"""A family as a board holds it: the files that its runtimes need, as a folder or a .tar.gz."""

from __future__ import annotations

import gzip
import io
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, cast

from edge import container
from edge.errors import EdgeError
from edge.family import Family
from edge.files import full_disk_names, replacing
from edge.manifest import FORMATS, MANIFEST_NAME, FamilyError, Manifest, Member
from edge.shelf import version_name

LABELS_NAME = "labels.txt"  # a class per line, for programs that read no JSON
ARCHIVE = ".tar.gz"
_OTHER_ARCHIVES = {".tgz", ".tar", ".gz", ".bz2", ".xz", ".zip", ".7z"}


def export(
    family: Family, out: Path, runtimes: Collection[str] = (), precisions: Collection[str] = ()
) -> tuple[str, Path]:
    """Pack the family for `runtimes` and `precisions`, all of them by default: its version, and
    where it lies.

    `out` is a shelf, to which the version is added as a folder, or a file that ends in .tar.gz and
    holds that folder: ``tar -xzf FILE -C SHELF`` adds it there. The same family gives the same
    bytes. Raises IntegrityError for a file that is not the manifest's, FamilyError where nothing
    would be left, `out` is to be another archive, or the version is there and damaged, OSError.
    """
    if out.suffix.lower() in _OTHER_ARCHIVES and not (out.name.endswith(ARCHIVE) or out.is_dir()):
        raise FamilyError(f"{out}: a family is packed as a folder, or as a file called …{ARCHIVE}")
    family.verify()
    manifest = narrowed(family.manifest, runtimes, precisions)
    version = version_name(manifest)
    if out.name.endswith(ARCHIVE):
        _write_archive(family, manifest, version, out)
        return version, out
    folder = out / version
    if folder.exists():
        _check_whole(folder)
    else:
        _write_folder(family, manifest, folder)
    return version, folder


def _check_whole(folder: Path) -> None:
    """A version that is there already is told as exported only if a board could use it."""
    try:
        Family.load(folder).verify()
    except EdgeError as error:
        raise FamilyError(f"{error}; or delete {folder} and export again") from error


def narrowed(
    manifest: Manifest, runtimes: Collection[str] = (), precisions: Collection[str] = ()
) -> Manifest:
    """The manifest with the files of `runtimes` and `precisions` only, and with what was measured
    of them; members without a file are left out, and rejected files. Raises FamilyError."""
    formats = {FORMATS[name] for name in runtimes or FORMATS if name in FORMATS}

    def kept(member: Member) -> Member:
        artifacts = tuple(
            a
            for a in member.deployed
            if a.format in formats and (not precisions or a.precision in precisions)
        )
        runs = {(a.format, a.precision) for a in artifacts}
        latencies = tuple(
            latency
            for latency in member.latencies
            if (FORMATS.get(latency.target.runtime), latency.target.precision) in runs
        )
        return member.model_copy(update={"artifacts": artifacts, "latencies": latencies})

    members = tuple(member for member in map(kept, manifest.members) if member.artifacts)
    if not members:
        there = sorted({f"{a.precision} {a.format}" for m in manifest.members for a in m.deployed})
        raise FamilyError(
            f"no member has a file to export; the family has: {', '.join(there) or 'none'}"
        )
    return manifest.model_copy(update={"members": members})


def _files(manifest: Manifest) -> list[str]:
    """Every file beside the manifest, each once."""
    return sorted({path for member in manifest.members for path in member.files})


def texts(manifest: Manifest) -> dict[str, str]:
    """What a family's folder says of itself, by the names of the files; the manifest is last."""
    labels = "".join(f"{label}\n" for label in manifest.classes)
    return {LABELS_NAME: labels, MANIFEST_NAME: manifest.text}


def _write_folder(family: Family, manifest: Manifest, folder: Path) -> None:
    """All at once: a version that is there is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (
        full_disk_names(folder),
        tempfile.TemporaryDirectory(prefix=".export-", dir=folder.parent) as temporary,
    ):
        made = Path(temporary) / folder.name
        for name in _files(manifest):
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(family.folder / name, made / name)
        for name, text in texts(manifest).items():
            (made / name).write_text(text, encoding="utf-8")
        made.rename(folder)


def _write_archive(family: Family, manifest: Manifest, version: str, out: Path) -> None:
    with replacing(out) as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
        container.pack(cast("IO[bytes]", packed), ".tar", _entries(family, manifest, version))


def _entries(
    family: Family, manifest: Manifest, version: str
) -> Iterator[tuple[str, int, IO[bytes]]]:
    for name in _files(manifest):
        path = family.folder / name
        with path.open("rb") as file:
            yield f"{version}/{name}", path.stat().st_size, file
    for name, text in texts(manifest).items():
        content = text.encode()
        yield f"{version}/{name}", len(content), io.BytesIO(content)
