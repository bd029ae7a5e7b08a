"""Families of files that no runtime has to read."""

from __future__ import annotations

from pathlib import Path

from edge.family import Family, Manifest
from tests.edge.bundles import sha256


def family(folder: Path, *files: tuple[str, str]) -> Family:
    """The members small and large, each with files of (format, precision)."""
    members = [
        {
            "name": name,
            "architecture": {"any": 1},
            "holdout_accuracy": 0.8,
            "test_accuracy": 0.8,
            "macs": 1,
            "parameters": 1,
            "artifacts": [_artifact(folder, f"{name}-{p}.{f}", f, p) for f, p in files],
        }
        for name in ("small", "large")
    ]
    manifest = {
        "dataset": "d", "classes": ["a"], "input_shape": [1, 28, 28], "mean": [0], "std": [1],
        "members": members,
    }  # fmt: skip
    made = Manifest.model_validate(manifest)
    made.write(folder)
    return Family(folder, made)


def _artifact(folder: Path, name: str, file_format: str, precision: str) -> dict[str, object]:
    """A file whose content is its name."""
    content = name.encode()
    (folder / name).write_bytes(content)
    return {
        "path": name,
        "sha256": sha256(content),
        "size_bytes": len(content),
        "format": file_format,
        "precision": precision,
    }
