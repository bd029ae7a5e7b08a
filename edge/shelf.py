"""Versions of a family beside each other in one folder, and a link to the one in use.

    families/
        20261124-125726-3fa9c107/    family.json and the model files
        20261201-081502-88b1e6d2/
        current -> 20261201-081502-88b1e6d2
        previous -> 20261124-125726-3fa9c107

An application loads ``families/current``. The links are relative, so that the folder may be moved,
and replaced in one step: a reader sees the old version or the new one.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from edge.errors import EdgeError
from edge.family import Family, FamilyError, FamilyMissing
from edge.files import sync_file, sync_folder
from edge.locks import locked
from edge.manifest import FORMATS, MANIFEST_NAME, Manifest
from edge.runtimes import MissingRuntime, get_runtime

CURRENT, PREVIOUS = "current", "previous"
_LOCK = ".lock"


class VersionMissing(EdgeError, LookupError):
    """There is no such version on the shelf."""


@dataclass(frozen=True)
class Version:
    """A version on the shelf; `problem` says why its manifest cannot be read."""

    name: str
    manifest: Manifest | None
    current: bool
    previous: bool
    problem: str | None = None


def version_name(manifest: Manifest) -> str:
    """When it was made, and eight hex digits of what it says: equal manifests have equal names."""
    digits = hashlib.sha256(manifest.text.encode()).hexdigest()[:8]
    made = "".join(c for c in (manifest.created or "")[:19] if c.isdigit())
    return f"{made[:8]}-{made[8:]}-{digits}" if made else f"unmeasured-{digits}"


class Shelf:
    """The versions in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def versions(self) -> list[Version]:
        """Those that there are, by name: the oldest first."""
        current, previous = self._linked(CURRENT), self._linked(PREVIOUS)
        found = []
        for path in sorted(self.folder.glob(f"*/{MANIFEST_NAME}")):
            folder = path.parent
            if folder.is_symlink():
                continue
            marks = folder.name == current, folder.name == previous
            try:
                found.append(Version(folder.name, Family.load(folder).manifest, *marks))
            except FamilyError as error:
                found.append(Version(folder.name, None, *marks, problem=str(error)))
        return found

    def use(self, name: str) -> Family:
        """Make version `name` the current one, or ``previous`` the one before: all of its files are
        verified first, and a runtime for them must be installed.

        Raises VersionMissing, FamilyError, IntegrityError or MissingRuntime, and leaves the version
        in use as it is; Locked where another process is at it.
        """
        if not self.folder.is_dir():
            raise VersionMissing(f"there is no folder {self.folder}: name the one of the versions")
        with locked(self.folder / _LOCK, "the version in use"):
            name = self._resolved(name)
            family = self._checked(name)
            current = self._linked(CURRENT)
            if current is not None and current != name:
                self._link(PREVIOUS, current)
            self._link(CURRENT, name)
        return family

    def _resolved(self, name: str) -> str:
        linked = self._linked(name) if name in (CURRENT, PREVIOUS) else name
        outside = linked is None or "/" in linked or linked.startswith(".")
        if linked is None or outside or not (self.folder / linked).is_dir():
            there = ", ".join(version.name for version in self.versions()) or "none"
            raise VersionMissing(f"no version {name!r} in {self.folder}; there are: {there}")
        return linked

    def _checked(self, name: str) -> Family:
        try:
            family = Family.load(self.folder / name)
        except FamilyMissing as error:
            raise VersionMissing(f"{self.folder / name} holds no {MANIFEST_NAME}") from error
        family.verify()
        require_runtime(family)
        _keep(family)
        return family

    def _linked(self, link: str) -> str | None:
        try:
            return str((self.folder / link).readlink())
        except OSError:
            return None

    def _link(self, link: str, name: str) -> None:
        """A link is not written to but replaced: there is no moment without one."""
        fresh = self.folder / f".{link}.{os.getpid()}.tmp"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(name, target_is_directory=True)
        fresh.replace(self.folder / link)
        sync_folder(self.folder)


def _keep(family: Family) -> None:
    """Whoever copied the files may have left them in memory: after a power cut, a link that is on
    the disk must not lead to files that are not."""
    files = {a.path for member in family.manifest.members for a in member.deployed}
    for path in [family.folder / name for name in sorted({MANIFEST_NAME, *files})]:
        sync_file(path)
    sync_folder(family.folder)


def require_runtime(family: Family) -> None:
    """Raises MissingRuntime where no runtime that is installed reads a file of the family."""
    formats = {a.format for member in family.manifest.members for a in member.deployed}
    missing: MissingRuntime | None = None
    for name in (name for name, suffix in FORMATS.items() if suffix in formats):
        try:
            get_runtime(name).version()
        except MissingRuntime as error:
            missing = missing or error
        else:
            return
    raise missing or FamilyError(f"the family in {family.folder} has no model file to run")
