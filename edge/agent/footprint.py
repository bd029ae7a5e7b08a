"""What the agent costs the board: resident memory, and the disk that its packages take."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from importlib import metadata
from importlib.util import cache_from_source
from pathlib import Path

from edge import sysfs
from edge.device import ROOT

_PACKAGE = "edgefacet"
_EXTRAS = ("agent", "onnx", "litert", "tflite")
_NAME = re.compile(r"^[A-Za-z0-9._-]+")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")


@dataclass(frozen=True)
class Footprint:
    """Bytes. `resident_bytes` is None where no agent runs; `python_bytes` of them, or of any
    process, are the bare interpreter's. `packages` are installed ones, with their bytecode."""

    resident_bytes: int | None
    python_bytes: int | None
    packages: dict[str, int]

    @property
    def disk_bytes(self) -> int:
        return sum(self.packages.values())


def footprint(pid: int | None, root: Path = ROOT) -> Footprint:
    """That of the agent with process id `pid`, and of EdgeFacet with all that the board needs."""
    resident = None if pid is None else resident_bytes(pid, root)
    return Footprint(
        resident, _bare_python(), {name: _disk_bytes(name) for name in sorted(_needed())}
    )


def resident_bytes(pid: int, root: Path = ROOT) -> int | None:
    """Memory that the process `pid` has in RAM now, or None where there is none."""
    return _resident(sysfs.text(root / f"proc/{pid}/status") or "")


def _resident(status: str) -> int | None:
    found = re.search(r"^VmRSS:\s*(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _bare_python() -> int | None:
    """Memory of an interpreter that has imported nothing of ours."""
    code = "import pathlib; print(pathlib.Path('/proc/self/status').read_text())"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    return _resident(done.stdout)


def _needed() -> set[str]:
    """EdgeFacet and what it needs in turn, as far as it is installed."""
    found: set[str] = set()
    waiting: list[tuple[str, Collection[str]]] = [(_PACKAGE, _EXTRAS)]
    while waiting:
        name, extras = waiting.pop()
        if name in found:
            continue
        try:
            requires = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        found.add(name)
        waiting += [(required, ()) for required in _names(requires, extras)]
    return found


def _names(requires: Iterable[str], extras: Collection[str]) -> Iterable[str]:
    """Of requirements like ``onnxruntime>=1.20; extra == "onnx"``, the names that `extras` ask
    for. Other markers are not looked at: what they exclude is not installed."""
    for requirement in requires:
        name = _NAME.match(requirement)
        extra = _EXTRA.search(requirement)
        if name and (extra is None or extra[1] in extras):
            yield re.sub(r"[-_.]+", "-", name[0]).lower()


def _disk_bytes(name: str) -> int:
    """What pip wrote, and the bytecode that came later where it was told to write none."""
    files = {Path(str(file.locate())) for file in metadata.files(name) or []}
    bytecode = {Path(cache_from_source(str(path))) for path in files if path.suffix == ".py"}
    return sum(path.stat().st_size for path in files | bytecode if path.is_file())
