"""Folders, .zip and .tar files that may come from strangers: regular files, with names and sizes.

Nothing is unpacked here, and what is opened was counted and measured before. Symbolic links,
devices and names that nobody asked for are refused; of a folder, which may lie among other
things, unknown names are left alone.
"""

from __future__ import annotations

import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Protocol

from edge.errors import EdgeError

MAX_FILES = 4096
SUFFIXES = (".tar", ".zip")

_CHUNK_BYTES = 1 << 20
_MAX_HEADER_BYTES = 512  # of one file in the directory of a zip
_ZIP_END = struct.Struct("<4s4H2LH")  # end of central directory record: APPNOTE.TXT 6.3, 4.3.16
_ZIP64_LOCATOR_BYTES = 20  # lies before it where a zip is larger than we write them: 4.3.15
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what no few bytes can blow up in memory
_ENCRYPTED = 1
_UNREADABLE = (
    OSError,
    EOFError,
    RuntimeError,  # NotImplementedError too: a compression or an encryption that zipfile has not
    ValueError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
    tarfile.TarError,
)

Ours = Callable[[str], bool]


class ContainerError(EdgeError, ValueError):
    """A folder or an archive that is damaged, or that holds what it must not."""


class Container(Protocol):
    """Regular files by name, with forward slashes."""

    sizes: dict[str, int]  # bytes of each, as the container says

    def chunks(self, name: str) -> Iterator[bytes]:
        """The content. Raises ContainerError where it cannot be read; it may be of another size."""


@contextmanager
def opened(path: Path, ours: Ours) -> Iterator[Container]:
    """The folder or the archive at `path`, whose names are all `ours`. Raises ContainerError."""
    if path.is_dir():
        yield _Folder(path, ours)
        return
    if not path.is_file() or path.suffix.lower() not in SUFFIXES:
        raise ContainerError(f"{path} is neither a folder nor a file that ends in .zip or .tar")
    with _reading(path):
        file = path.open("rb")
    with file:
        yield (_Zip if path.suffix.lower() == ".zip" else _Tar)(path, file, ours)


class _Folder:
    """Names of one or two levels; a third one is never ours."""

    def __init__(self, path: Path, ours: Ours) -> None:
        self.sizes: dict[str, int] = {}
        self._path = path
        with _reading(path):
            for found in _two_levels(path):
                name = found.relative_to(path).as_posix()
                status = found.lstat()
                if ours(name) and not stat.S_ISDIR(status.st_mode):
                    linked = found.parent != path and found.parent.is_symlink()
                    if linked or not stat.S_ISREG(status.st_mode):
                        raise _irregular(path, name)
                    _add(self.sizes, path, name, status.st_size)

    def chunks(self, name: str) -> Iterator[bytes]:
        path = self._path / name
        with _reading(path):
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as file:
                yield from _pieces(file)


class _Zip:
    def __init__(self, path: Path, file: IO[bytes], ours: Ours) -> None:
        self.sizes: dict[str, int] = {}
        self._path = path
        with _reading(path):
            _refuse_large_directory(path, file)
            self._zip = zipfile.ZipFile(file)
            for info in self._zip.infolist():
                if info.is_dir():
                    continue
                if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
                    raise _irregular(path, info.filename)
                if info.compress_type not in _ZIP_METHODS or info.flag_bits & _ENCRYPTED:
                    raise ContainerError(
                        f"{info.filename!r} in {path} is neither stored nor deflated: pack it again"
                    )
                _refuse_foreign(path, info.filename, ours)
                _add(self.sizes, path, info.filename, info.file_size)

    def chunks(self, name: str) -> Iterator[bytes]:
        with _reading(f"{name} in {self._path}"), self._zip.open(name) as file:
            yield from _pieces(file)


class _Tar:
    """Plain headers of 512 bytes, read one by one: `tarfile` would believe an extended header of
    any size, and keeps every member that it has seen."""

    def __init__(self, path: Path, file: IO[bytes], ours: Ours) -> None:
        self.sizes: dict[str, int] = {}
        self._path = path
        self._file = file
        self._offsets: dict[str, int] = {}
        with _reading(path):
            for info, offset in _tar_headers(file):
                name = info.name.removeprefix("./")
                if info.isdir():
                    continue
                if info.type in (tarfile.XHDTYPE, tarfile.XGLTYPE):
                    raise ContainerError(
                        f"{path} has extended headers, as Python and macOS write them: "
                        "pack it with tar --format=ustar"
                    )
                if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
                    raise _irregular(path, name)
                _refuse_foreign(path, name, ours)
                _add(self.sizes, path, name, info.size)
                self._offsets[name] = offset

    def chunks(self, name: str) -> Iterator[bytes]:
        left = self.sizes[name]
        with _reading(f"{name} in {self._path}"):
            self._file.seek(self._offsets[name])
            while left and (chunk := self._file.read(min(left, _CHUNK_BYTES))):
                left -= len(chunk)
                yield chunk


def pack(file: IO[bytes], suffix: str, entries: Iterable[tuple[str, int, IO[bytes]]]) -> None:
    """Write (name, size in bytes, content) as an archive: equal entries give equal bytes.

    Neither compressed nor with times or owners. Raises OSError for content that is too short.
    """
    (_pack_zip if suffix == ".zip" else _pack_tar)(file, entries)


def _pack_zip(file: IO[bytes], entries: Iterable[tuple[str, int, IO[bytes]]]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name, size_bytes, content in entries:
            info = zipfile.ZipInfo(name)  # of 1980-01-01
            info.create_system = 3  # Unix, where the mode below is one
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            info.file_size = size_bytes
            with archive.open(info, "w") as entry:
                for chunk in _pieces(content):
                    entry.write(chunk)


def _pack_tar(file: IO[bytes], entries: Iterable[tuple[str, int, IO[bytes]]]) -> None:
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, size_bytes, content in entries:
            info = tarfile.TarInfo(name)
            info.size = size_bytes
            archive.addfile(info, content)


def _two_levels(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        yield path
        with suppress(PermissionError):  # such as lost+found on a stick
            if path.is_dir():  # and no link that leads nowhere
                yield from sorted(path.iterdir())


def _refuse_large_directory(path: Path, file: IO[bytes]) -> None:
    """`zipfile` reads the whole directory of a zip into memory, however many files it lists."""
    record_bytes = _ZIP_END.size
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - record_bytes - _ZIP64_LOCATOR_BYTES))
    tail = file.read()
    if len(tail) < record_bytes or tail[-record_bytes:][:4] != b"PK\x05\x06":
        raise ContainerError(f"{path} is no zip file, or it was cut short: copy it again")
    directory_bytes = _ZIP_END.unpack(tail[-record_bytes:])[5]
    if directory_bytes > MAX_FILES * _MAX_HEADER_BYTES or tail.startswith(b"PK\x06\x07"):
        raise ContainerError(f"{path} lists more than {MAX_FILES} files, the most it may hold")


def _tar_headers(file: IO[bytes]) -> Iterator[tuple[tarfile.TarInfo, int]]:
    """Each header with the offset of the content behind it."""
    offset = 0
    while True:
        file.seek(offset)
        block = file.read(tarfile.BLOCKSIZE)
        if len(block) < tarfile.BLOCKSIZE:
            raise EOFError("it was cut short")
        if not block.strip(b"\0"):
            return
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        if info.size < 0:
            raise ValueError("a size below zero")
        offset += tarfile.BLOCKSIZE
        yield info, offset
        offset += -(-info.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


def _add(sizes: dict[str, int], path: Path, name: str, size_bytes: int) -> None:
    if name in sizes:
        raise ContainerError(f"{path} holds {name!r} twice: pack it again")
    if len(sizes) == MAX_FILES:
        raise ContainerError(f"{path} lists more than {MAX_FILES} files, the most it may hold")
    sizes[name] = size_bytes


def _refuse_foreign(path: Path, name: str, ours: Ours) -> None:
    if not ours(name):
        raise ContainerError(
            f"{path} holds {name!r}, which does not belong into it: pack only what is in the "
            "bundle's folder, without the folder itself, or get the bundle again"
        )


def _irregular(path: Path, name: str) -> ContainerError:
    return ContainerError(
        f"{name!r} in {path} is no regular file but a link or the like: put the file itself there"
    )


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk


@contextmanager
def _reading(what: Path | str) -> Iterator[None]:
    """Whatever the readers of archives raise names the file, and says what to do."""
    try:
        yield
    except EdgeError:
        raise
    except _UNREADABLE as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ContainerError(f"{what} cannot be read: {reason}: copy it again") from error
