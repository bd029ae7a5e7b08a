"""Model files on the disk, by their content."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi.concurrency import contextmanager_in_threadpool, run_in_threadpool

from edge.files import remove_leftovers, replacing
from edge.hub.errors import Malformed, TooLarge


class ModelStore:
    """A folder of model files, each named by its sha256."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, sha256: str) -> Path:
        """Where the file lies or would lie."""
        return self._folder / sha256[:2] / sha256

    def holds(self, sha256: str, size_bytes: int) -> bool:
        """Whether the file is there, whole by its size."""
        path = self.path(sha256)
        return path.is_file() and path.stat().st_size == size_bytes

    def clean(self) -> None:
        """Remove what a kill left of files that were coming in; before there are callers, and
        where one hub alone serves this folder. Raises OSError."""
        for folder in self._folder.glob("??"):
            remove_leftovers(folder)

    async def receive(self, sha256: str, chunks: AsyncIterator[bytes], max_bytes: int) -> int:
        """Keep what `chunks` bring, on the disk before it returns, and say how many bytes it was.

        Raises TooLarge, or Malformed where they are not what the sha256 says; the folder stays as
        it was then.
        """
        digest = hashlib.sha256()
        size_bytes = 0
        async with contextmanager_in_threadpool(replacing(self.path(sha256))) as file:
            async for chunk in chunks:
                size_bytes += len(chunk)
                if size_bytes > max_bytes:
                    raise TooLarge(f"larger than {max_bytes} bytes, the most a model may have")
                digest.update(chunk)
                await run_in_threadpool(file.write, chunk)
            if digest.hexdigest() != sha256:
                raise Malformed(f"the content has the sha256 {digest.hexdigest()}, not {sha256}")
        return size_bytes
