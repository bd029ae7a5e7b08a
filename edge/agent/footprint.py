"""What the agent costs the board: resident memory, and the disk that its packages take."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from edge import sysfs
from edge.device import ROOT

_PACKAGE = "edgefacet"
_EXTRAS = ("agent", "onnx", "litert", "tflite")
_NAME = re.compile(r"^[A-Za-z0-9._-]+")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")


@dataclass(frozen=True)
class Footprint:
    """Bytes. `resident_bytes` is None where no agent runs; `packages` are installed ones."""

    resident_bytes: int | None
    packages: dict[str, int]

    @property
    def disk_bytes(self) -> int:
        return sum(self.packages.values())


def footprint(pid: int | None, root: Path = ROOT) -> Footprint:
    """That of the agent with process id `pid`, and of EdgeFacet with all that the board needs."""
    resident = None if pid is None else resident_bytes(pid, root)
    return Footprint(resident, {name: _disk_bytes(name) for name in sorted(_needed())})


def resident_bytes(pid: int, root: Path = ROOT) -> int | None:
    """Memory that the process `pid` has in RAM now, or None where there is none."""
    status = sysfs.text(root / f"proc/{pid}/status") or ""
    found = re.search(r"^VmRSS:\s*(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


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
    total = 0
    for file in metadata.files(name) or []:
        path = Path(str(file.locate()))
        if path.is_file():
            total += path.stat().st_size
    return total
