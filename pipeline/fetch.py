"""Where a public data set comes from: places are tried in order, the content is always checked."""

from __future__ import annotations

import gzip
import hashlib
import socket
import threading
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge.errors import EdgeError

TIMEOUT_S = 5.0  # for an answer; a download that moves may take longer

Contents = dict[str, bytes]  # file name: content
Source = tuple[str, Callable[[], Contents]]  # where, for a message; how


class SourceError(EdgeError, OSError):
    """One place does not hold the data set."""


class DataUnavailable(EdgeError, FileNotFoundError):
    """No place holds the data set; the message lists each, and what to do."""


@dataclass(frozen=True)
class Files:
    """The files that a public data set consists of, and how to know that they are intact."""

    title: str
    algorithm: str  # as hashlib names it
    digests: Mapping[str, str]  # file name: hash of its content, which may be stored compressed
    advice: str  # what to do where they are nowhere to be found

    def check(self, contents: Contents) -> None:
        """Raises SourceError, naming the file that is damaged."""
        for name, expected in self.digests.items():
            found = hashlib.new(self.algorithm, contents[name], usedforsecurity=False).hexdigest()
            if found != expected:
                raise SourceError(f"{name} is damaged (its {self.algorithm} is wrong): delete it")


def first(sources: Sequence[Source], files: Files) -> Contents:
    """The files of the first source that has them all, intact. Raises DataUnavailable."""
    failed = []
    for where, get in sources:
        try:
            contents = get()
            files.check(contents)
            return contents
        except SourceError as error:
            failed.append(f"  {where}: {error}")
    headline = f"{files.title} is nowhere to be found:"
    raise DataUnavailable("\n".join([headline, *failed, "What to do, one of:", files.advice]))


def read_folder(folder: Path, names: Sequence[str]) -> Contents:
    """The files `names` in `folder`, each as it is or as .gz. Raises SourceError."""
    if not folder.is_dir():
        raise SourceError("no such folder")
    return {name: _read(folder, name) for name in names}


def _read(folder: Path, name: str) -> bytes:
    plain, packed = folder / name, folder / f"{name}.gz"
    try:
        return plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
    except FileNotFoundError:
        raise SourceError(f"{name} (or {name}.gz) is missing") from None
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{name} cannot be read: {error}") from error


def torchvision(url: str, download: Callable[[], object]) -> None:
    """Let torchvision `download`, once `url` has answered. Raises SourceError."""
    require_answer(url)
    with _socket_timeout(TIMEOUT_S):
        try:
            download()
        except (OSError, RuntimeError) as error:
            raise SourceError(str(error)) from error


def require_answer(url: str) -> None:
    """Fail fast without a network: neither torchvision nor a name server's silence would.

    Raises SourceError.
    """
    outcome: list[str] = ["no answer"]

    def ask() -> None:
        try:
            urllib.request.urlopen(url, timeout=TIMEOUT_S).close()
            outcome[0] = ""
        except urllib.error.HTTPError:  # an answer, whatever it says
            outcome[0] = ""
        except OSError as error:
            outcome[0] = str(error)

    # A thread, because looking up a name takes no timeout.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(TIMEOUT_S)
    if outcome[0]:
        raise SourceError(f"{url}: {outcome[0]}")


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
