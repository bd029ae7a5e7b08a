"""What must outlive DVC, which deletes a stage's outputs before it runs the stage.

Checkpoints and finished members lie under ``.edgefacet/`` by a key of everything they depend
on. One process writes at a time: a second one is told who holds the lock.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from edge import locks
from edge.files import remove_leftovers, write_atomic

STORE = Path(".edgefacet")


def content_key(*parts: object) -> str:
    """Sixteen hex digits of `parts`, which must be JSON data (or have a sensible `str`)."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def place(kind: str, key: str, suffix: str, root: Path = STORE) -> Path:
    """Where something of a `kind` lies; its folder is made."""
    folder = root / kind
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{key}{suffix}"


def save(path: Path, content: Any) -> None:
    """Save tensors and plain data; a kill or a full disk leaves the previous file valid."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomic(path, buffer.getvalue())


def load(path: Path) -> Any | None:
    """What `save` wrote, on the CPU; None where there is nothing.

    Tensors are mapped, not read: a look at a number beside them costs no more than the number.
    """
    if not path.exists():
        return None
    return torch.load(path, map_location="cpu", weights_only=True, mmap=True)


@contextmanager
def locked(kind: str, root: Path = STORE) -> Iterator[None]:
    """Hold the lock of one kind of work, and clean up after a holder that was killed.

    Raises edge.locks.Locked, which names the process that holds it.
    """
    path = place(kind, "lock", "", root)
    with locks.locked(path, f"`{kind}`"):
        remove_leftovers(path.parent)
        yield
