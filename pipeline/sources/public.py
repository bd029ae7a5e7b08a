"""Public data sets, which have places where they usually lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline import fetch
from pipeline.fetch import Contents, Files, Source
from pipeline.sources.labelled import Raw


@dataclass(frozen=True)
class Public:
    """What tells one public data set from another."""

    files: Files
    read_place: Callable[[Path, Files], Contents]  # raises SourceError
    usual: Callable[[Path, Files], list[Source]]  # the first is a folder that keeps downloads
    parse: Callable[[Contents], Raw]

    def read(self, path: Path | None, root: Path, raw: Path) -> Raw:
        """From `path` (data.path) and no other place; without one, from the usual places, the
        first of which is `raw`. Both are below `root`.

        Raises DataUnavailable, or DataError for files of another format.
        """
        sources = self.usual(root / raw, self.files)
        if path is not None:
            sources = [(f"{path} (data.path)", lambda: self.read_place(root / path, self.files))]
        return self.parse(fetch.first(sources, self.files))
