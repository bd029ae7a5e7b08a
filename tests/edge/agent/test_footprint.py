from __future__ import annotations

import os
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from edge.agent import footprint as module
from edge.agent.footprint import footprint, resident_bytes

REQUIRES = {
    "edgefacet": [
        "numpy>=1.23",
        'httpx>=0.27; extra == "agent"',
        'torch>=2.9; extra == "pipeline"',
        'tflite-runtime; python_version < "3.12" and extra == "tflite"',
    ],
    "numpy": [],
    "httpx": ["Some_Thing", "edgefacet"],
    "some-thing": None,
    "torch": [],
}


def test_what_the_board_needs_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    def requires(name: str) -> list[str] | None:
        if name not in REQUIRES:
            raise module.metadata.PackageNotFoundError(name)
        return REQUIRES[name]

    monkeypatch.setattr(module.metadata, "requires", requires)
    monkeypatch.setattr(module, "_disk_bytes", len)
    found = footprint(None)
    assert found.packages == {"edgefacet": 9, "httpx": 5, "numpy": 5, "some-thing": 10}
    assert found.disk_bytes == 29
    assert found.resident_bytes is None


def test_resident_memory_is_the_kernels(tmp_path: Path) -> None:
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/7/status").write_text("Name:\tfacet\nVmHWM:\t 90 kB\nVmRSS:\t  1024 kB\n")
    assert resident_bytes(7, tmp_path) == 1 << 20
    assert resident_bytes(8, tmp_path) is None
    assert (resident_bytes(os.getpid()) or 0) > 1 << 20


def test_bytecode_that_pip_did_not_write_counts_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_bytes(b"x" * 10)
    compiled = Path(cache_from_source(str(tmp_path / "a.py")))
    compiled.parent.mkdir()
    compiled.write_bytes(b"x" * 100)

    def files(_name: str) -> list[module.metadata.PackagePath]:
        """As RECORD lists them, with bytecode that was never written."""
        found = [module.metadata.PackagePath(name) for name in ("a.py", "gone.py")]
        for path in found:
            path.dist = module.metadata.PathDistribution(tmp_path / "a.dist-info")
        return found

    monkeypatch.setattr(module.metadata, "files", files)
    assert module._disk_bytes("a") == 110


def test_an_installed_package_has_a_size() -> None:
    assert footprint(None).packages["numpy"] > 1_000_000
