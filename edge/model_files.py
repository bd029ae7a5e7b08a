"""Model files to measure: any file, or those of a family."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.bench import Job
from edge.errors import EdgeError
from edge.family import FORMATS, Artifact, Family, Member
from edge.files import sha256_of
from edge.record import Subject
from edge.runtimes import MissingRuntime, get_runtime, names

UNKNOWN_PRECISION = "unknown"  # no runtime says what a foreign model's weights are stored in


class NoModel(EdgeError, ValueError):
    """There is nothing that a runtime could measure."""


@dataclass(frozen=True)
class Model:
    """A file to measure, the name of what runs it, and what its weights are stored in."""

    job: Job
    runtime: str
    precision: str
    size_bytes: int


def models_of_files(
    paths: Sequence[Path], runtime: str | None = None, precision: str = UNKNOWN_PRECISION
) -> list[Model]:
    """Any model files, each once; without `runtime` the file's suffix decides what runs it.

    Files of one name are told apart by as much of their folders as it takes.

    Raises NoModel for a suffix that no runtime reads, UnknownRuntime, or OSError.
    """
    models, files = [], list(dict.fromkeys(paths))
    for path, called in zip(files, _told_apart(files), strict=True):
        runs = get_runtime(runtime).name if runtime else _runtime_for(path)
        # A record is JSON: it cannot hold the bytes of a name that are no text.
        name = called.encode(errors="surrogateescape").decode(errors="replace")
        subject = Subject(kind="file", name=name, sha256=sha256_of(path))
        models.append(Model(Job(subject, path), runs, precision, path.stat().st_size))
    return models


def models_of_family(
    family: Family, runtime: str | None = None, precision: str | None = None
) -> list[Model]:
    """Every artifact of every member, for `runtime` or for each runtime that is installed, and in
    `precision` only where it is given.

    Raises NoModel where there is none, or where none of the files is there; UnknownRuntime or
    MissingRuntime where `runtime` cannot run here.
    """
    if runtime:
        get_runtime(runtime).version()
    runtimes = [runtime] if runtime else [name for name in names() if _installed(name)]
    readers = {FORMATS[name]: name for name in runtimes if name in FORMATS}
    models = [
        Model(
            member_job(family, member, artifact),
            readers[artifact.format],
            artifact.precision,
            artifact.size_bytes,
        )
        for member in family.manifest.members
        for artifact in member.deployed
        if artifact.format in readers
    ]
    if not models:
        raise NoModel(
            f"the family in {family.folder} has no file for a runtime that is installed here"
            f"{f' and called {runtime}' if runtime else ''}: `facet info` lists the runtimes"
        )
    wanted = [model for model in models if precision in (None, model.precision)]
    if not wanted:
        known = ", ".join(sorted({model.precision for model in models}))
        raise NoModel(
            f"the family in {family.folder} has no file in {precision!r}; choose among: {known}"
        )
    require_files(family, [model.job for model in wanted])
    return wanted


def require_files(family: Family, jobs: Sequence[Job]) -> None:
    """Raises NoModel where no file of `jobs` is there: Git has a family's manifest without them."""
    if not any(job.path.exists() for job in jobs):
        raise NoModel(
            f"none of the model files is in {family.folder}: name the folder that holds them; in a "
            "clone of a project `dvc pull` or `dvc repro` makes it, results/family"
        )


def member_job(family: Family, member: Member, artifact: Artifact) -> Job:
    """To measure a member by one of its files."""
    subject = Subject(
        kind="network",
        name=member.name,
        sha256=artifact.sha256,
        role="member",
        architecture=member.architecture,
    )
    return Job(subject, family.path(artifact))


def _told_apart(paths: Sequence[Path]) -> list[str]:
    """The name of every file, and of its folders the last few that no other has with that name."""
    most = max((len(path.parts) for path in paths), default=0)
    names = [path.name for path in paths]
    for parts in range(2, most + 1):
        often = Counter(names)
        names = [
            Path(*path.parts[-parts:]).as_posix() if often[name] > 1 else name
            for path, name in zip(paths, names, strict=True)
        ]
    return names


def _runtime_for(path: Path) -> str:
    readers = _readers()
    if path.suffix.lower() not in readers:
        raise NoModel(
            f"no runtime reads {path.name}: it would end in {' or '.join(sorted(readers))}; "
            "or name the runtime with --runtime"
        )
    return readers[path.suffix.lower()]


def _readers() -> Mapping[str, str]:
    return {get_runtime(name).suffix: name for name in names()}


def _installed(runtime: str) -> bool:
    try:
        get_runtime(runtime).version()
    except MissingRuntime:
        return False
    return True
