"""A family on this machine: its manifest, its files and their integrity, and what runs them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.errors import EdgeError
from edge.files import sha256_of
from edge.manifest import (
    FORMAT_VERSION,
    FORMATS,
    MANIFEST_NAME,
    Artifact,
    FamilyError,
    Format,
    Latency,
    Manifest,
    Member,
    UnknownVersion,
    parse,
    read_moment,
)
from edge.per_file import PerFile

if TYPE_CHECKING:
    import numpy.typing as npt

    from edge.model import Model
    from edge.preprocess import Floats
    from edge.ranking import Ranking
    from edge.record import Target
    from edge.serving.server import Server

__all__ = [
    "FORMATS",
    "FORMAT_VERSION",
    "MANIFEST_NAME",
    "Artifact",
    "Family",
    "FamilyError",
    "FamilyMissing",
    "Format",
    "IntegrityError",
    "Latency",
    "Manifest",
    "Member",
    "UnknownVersion",
    "manifest_file",
    "read_moment",
]


class FamilyMissing(EdgeError, FileNotFoundError):
    """There is no family where one was expected."""


class IntegrityError(EdgeError, ValueError):
    """An artifact that is not the one the manifest describes."""


def manifest_file(path: Path | str) -> Path:
    """Of the family at `path`: a folder with a ``family.json``, or that file itself."""
    file = Path(path)
    return file if file.suffix == ".json" else file / MANIFEST_NAME


@dataclass(frozen=True)
class Family:
    """A manifest and the folder that its paths are relative to."""

    folder: Path
    manifest: Manifest

    @cached_property
    def ranking(self) -> Ranking:
        """Its members in their order on this machine."""
        from edge.ranking import Ranking

        return Ranking(self.manifest)

    @classmethod
    def load(cls, path: Path | str) -> Family:
        """Read a folder with a ``family.json``, or that file itself; once, while it stays the same.

        A link is followed now: a family that is loaded stays the version that it is. Raises
        FamilyMissing, UnknownVersion, or FamilyError naming the field that is wrong.
        """
        file = manifest_file(path)
        try:
            return _loaded(file.parent.resolve(strict=True) / file.name)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise FamilyMissing(
                f"no family at {file}: make one with `dvc repro`, or name its folder with --family"
            ) from error

    def pick(self, budget_ms: float, percentile: int = 95, **question: Any) -> Model:
        """The most accurate member that fits `budget_ms` on this machine, loaded.

        The budget is about the network alone, as latencies are measured: what `Model` does to
        images before is not in it. `edge.model.pick` has the other options, and says what it
        raises.
        """
        from edge.model import pick

        return pick(self, budget_ms, percentile, **question)

    def open(self, name: str, target: Target, provider: str | None = None) -> Model:
        """The member `name` as it runs on `target`, loaded, with no promise about its latency.

        Raises FamilyError where it has no file for `target`, and what `edge.model.load` raises.
        """
        from edge.model import load

        return load(self, self.manifest.member(name), target, provider)

    def serve(
        self, budget_ms: float, percentile: int = 95, **options: Any
    ) -> Server[npt.ArrayLike, Floats]:
        """The members behind one call that stays within `budget_ms` while the board slows.

        `edge.serving.family.serve` has the `options`, and says what it raises.
        """
        from edge.serving.family import serve

        return serve(self, budget_ms, percentile, **options)

    def path(self, artifact: Artifact) -> Path:
        """Where the artifact lies on this machine."""
        return self.folder / artifact.path

    def verify(self) -> None:
        """Check the size and the sha256 of every deployed artifact. Raises IntegrityError for the
        first that differs or is missing."""
        for member in self.manifest.members:
            for artifact in member.deployed:
                self.verify_artifact(member, artifact)

    def verify_artifact(self, member: Member, artifact: Artifact) -> None:
        """The same for one file of `member`. A file is read once while it stays the same: its
        inode, size, and the times of its last changes tell."""
        path = self.path(artifact)
        what = f"{path} of member {member.name!r}"
        again = "copy the family again, or run `dvc repro`"
        try:
            size_bytes, sha256 = _content(path)
        except FileNotFoundError as error:
            raise IntegrityError(f"{what} is missing: {again}") from error
        except OSError as error:
            raise IntegrityError(f"{what} cannot be read, {error.strerror}: {again}") from error
        if size_bytes != artifact.size_bytes:
            raise IntegrityError(
                f"{what} has {size_bytes} bytes instead of {artifact.size_bytes}: {again}"
            )
        if sha256 != artifact.sha256:
            raise IntegrityError(
                f"{what} has sha256 {sha256[:12]}… instead of {artifact.sha256[:12]}…: {again}"
            )


def _read(file: Path) -> Family:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise FamilyError(f"{file} is not JSON: {error}: copy the family again") from error
    return Family(file.parent, parse(data, str(file)))


_loaded = PerFile(_read)
_content = PerFile(lambda path: (path.stat().st_size, sha256_of(path)))
