"""Where Fashion-MNIST comes from: the places are tried in order, the content is always checked."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import socket
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from edge.errors import EdgeError

# Of the content, not of the .gz: distributions compress it again.
SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
PACKAGE = "dataset-fashion-mnist"
PACKAGE_FOLDER = Path("usr/share/datasets/fashion-mnist")  # below the root it is unpacked in
TIMEOUT_S = 5.0  # for an answer; a download that moves may take longer
APT_LIMIT_S = 600.0

_ADVICE = f"""What to do, one of:
  install it: sudo apt-get install {PACKAGE}
  put these files (each as it is or as .gz) into data/raw: {", ".join(SHA256)}
  name the folder that holds them in params.yaml: data.folder"""

Contents = dict[str, bytes]  # idx file name: content
Source = tuple[str, Callable[[], Contents]]  # where, for a message; how


class SourceError(EdgeError, OSError):
    """One place does not hold the data set."""


class DataUnavailable(EdgeError, FileNotFoundError):
    """No place holds the data set; the message lists each, and what to do."""


def first(sources: Sequence[Source], sha256: Mapping[str, str] = SHA256) -> Contents:
    """The files of the first source that has them all, intact. Raises DataUnavailable."""
    failed = []
    for where, get in sources:
        try:
            contents = get()
            _check(contents, sha256)
            return contents
        except SourceError as error:
            failed.append(f"  {where}: {error}")
    raise DataUnavailable("\n".join(["Fashion-MNIST is nowhere to be found:", *failed, _ADVICE]))


def sources(raw: Path, root: Path = Path("/")) -> list[Source]:
    """The usual places: `raw` (where downloads are kept), the system, torchvision, Debian."""
    system = root / PACKAGE_FOLDER
    return [
        (str(raw), lambda: read_folder(raw)),
        (f"{system} (package {PACKAGE})", lambda: read_folder(system)),
        ("torchvision's download", lambda: _torchvision(raw)),
        (f"apt-get download {PACKAGE}", lambda: _debian(raw)),
    ]


def read_folder(folder: Path, names: Sequence[str] = tuple(SHA256)) -> Contents:
    """The idx files in `folder`, each as it is or as .gz. Raises SourceError."""
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


def _check(contents: Contents, sha256: Mapping[str, str]) -> None:
    for name, expected in sha256.items():
        if hashlib.sha256(contents[name]).hexdigest() != expected:
            raise SourceError(f"{name} is damaged (its sha256 is wrong): delete it")


def _torchvision(raw: Path) -> Contents:
    from torchvision.datasets import FashionMNIST

    _require_answer(FashionMNIST.mirrors[0])
    with tempfile.TemporaryDirectory() as folder, _socket_timeout(TIMEOUT_S):
        try:
            FashionMNIST(folder, download=True)
        except (OSError, RuntimeError) as error:
            raise SourceError(str(error)) from error
        return _keep(Path(folder) / "FashionMNIST/raw", raw)


def _require_answer(url: str) -> None:
    """Fail fast without a network: neither torchvision nor a name server's silence would."""
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


def _debian(raw: Path) -> Contents:
    """Download and unpack the package; neither needs root."""
    for tool in ("apt-get", "dpkg"):
        if shutil.which(tool) is None:
            raise SourceError(f"{tool} is not installed")
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        try:
            _apt_get(where, "download", PACKAGE)
        except SourceError:  # often because the machine's package lists are missing: make own ones
            lists = _private_lists(where)
            _apt_get(where, *lists, "update")
            _apt_get(where, *lists, "download", PACKAGE)
        package = next(where.glob(f"{PACKAGE}_*.deb"))
        _command(where, "dpkg", "-x", str(package), "unpacked")
        return _keep(where / "unpacked" / PACKAGE_FOLDER, raw)


def _private_lists(where: Path) -> list[str]:
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (where / folder).mkdir(parents=True)
    return [
        f"-oDir::State={where}/state",
        f"-oDir::Cache={where}/cache",
        "-oDir::State::status=/var/lib/dpkg/status",
    ]


def _apt_get(where: Path, *arguments: str) -> None:
    options = ["-q", "-oAcquire::Retries=0", f"-oAcquire::http::Timeout={TIMEOUT_S:.0f}"]
    options += [f"-oAcquire::https::Timeout={TIMEOUT_S:.0f}", "-oAPT::Update::Error-Mode=any"]
    _command(where, "apt-get", *options, *arguments)


def _command(where: Path, *command: str) -> None:
    try:
        done = subprocess.run(
            command, cwd=where, capture_output=True, text=True, timeout=APT_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"{command[0]} takes longer than {error.timeout:.0f} s") from error
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.startswith(("E:", "W:"))]
        raise SourceError((said or [f"{command[0]} failed: {done.stderr.strip()}"])[0])


def _keep(folder: Path, raw: Path) -> Contents:
    """Copy the files of a download into `raw`, where the next run finds them."""
    contents = read_folder(folder)
    _check(contents, SHA256)
    raw.mkdir(parents=True, exist_ok=True)
    for name in contents:
        packed = folder / f"{name}.gz"
        source = packed if packed.exists() else folder / name
        shutil.copyfile(source, raw / source.name)
    return contents
