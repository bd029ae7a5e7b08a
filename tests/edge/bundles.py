"""Bundles of files that no runtime has to read."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edge.bundle import Bundle
from edge.bundle_writer import write
from edge.orders import Order

WHEN = datetime(2026, 7, 1, 12, tzinfo=timezone.utc)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def order(models: Mapping[str, bytes], **changes: Any) -> Order:
    """Of models by name; chains, networks and files take turns."""
    kinds: list[dict[str, Any]] = [
        {"kind": "chain", "block": "skip:16x14x14-16:s1:relu", "repeat": 4},
        {"kind": "network", "role": "member", "architecture": {"rows": []}},
        {"kind": "file"},
    ]
    ordered = [
        {"subject": {**kinds[n % 3], "name": name, "sha256": sha256(content)},
         "size_bytes": len(content)}
        for n, (name, content) in enumerate(models.items())
    ]  # fmt: skip
    fields = {"purpose": "verify", "runtime": "onnxruntime", "precision": "fp32"}
    return Order.model_validate({**fields, "models": ordered, **changes})


def models_in(folder: Path, models: Mapping[str, bytes]) -> dict[str, Path]:
    """The model files by sha256, written to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, content in models.items():
        files[sha256(content)] = folder / name
        (folder / name).write_bytes(content)
    return files


def bundle(path: Path, models: Mapping[str, bytes], **changes: Any) -> Bundle:
    """Written to `path`."""
    files = models_in(path.parent / "sources", models)
    return write(path, order(models, **changes), files, created=WHEN)


def unpacked(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    return folder


def repacked(path: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    """The .zip at `path` with its files, by name, changed."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path
