"""Make orders by hand: of the members of a family, of any model files, or as a stage wrote one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from edge.bench import Job
from edge.errors import EdgeError, first_problem
from edge.family import FORMATS, Family
from edge.files import sha256_of
from edge.model_files import (
    UNKNOWN_PRECISION,
    NoModel,
    member_job,
    models_of_files,
    require_files,
)
from edge.orders import MAX_ORDER_BYTES, How, Order, OrderError
from edge.runtimes import ModelRejected, OtherFiles, get_runtime

_PURPOSE = "measure"
_HOW = How()


class SeveralOrders(EdgeError, ValueError):
    """The models need more than one session; `offers` are the (runtime, precision) there are."""

    def __init__(self, message: str, offers: Sequence[tuple[str, str]]) -> None:
        super().__init__(message)
        self.offers = offers


@dataclass(frozen=True)
class Ordered:
    """An order, and where its models lie by sha256."""

    order: Order
    files: Mapping[str, Path]


def of_family(
    family: Family,
    runtime: str | None = None,
    precision: str | None = None,
    threads: int = 1,
    how: How = _HOW,
) -> Ordered:
    """To measure every member of `family`: what runs them need not be installed here.

    Raises SeveralOrders where the family has files for more than one runtime and precision and
    neither is named, NoModel where it has none or none is there, and OtherFiles as `of_files` does.
    """
    jobs: dict[tuple[str, str], list[Job]] = {}
    runtimes = {file_format: name for name, file_format in FORMATS.items()}
    for member in family.manifest.members:
        for artifact in member.deployed:
            key = runtimes[artifact.format], artifact.precision
            if runtime in (None, key[0]) and precision in (None, key[1]):
                jobs.setdefault(key, []).append(member_job(family, member, artifact))
    if not jobs:
        wanted = " ".join(filter(None, [runtime, precision])) or "any runtime"
        raise NoModel(f"the family in {family.folder} has no files for {wanted}: name another one")
    key = _only(sorted(jobs), f"the family in {family.folder}")
    require_files(family, jobs[key])
    return _ordered(jobs[key], *key, threads, how)


def of_files(
    paths: Sequence[Path],
    runtime: str | None = None,
    precision: str | None = None,
    threads: int = 1,
    how: How = _HOW,
) -> Ordered:
    """To measure any model files.

    Raises SeveralOrders, NoModel, UnknownRuntime, OtherFiles for a model that no order can bring
    whole, or OSError.
    """
    precision = precision or UNKNOWN_PRECISION
    models = models_of_files(paths, runtime, precision)
    runs, _ = _only(sorted({(model.runtime, precision) for model in models}), "what you named")
    return _ordered([model.job for model in models], runs, precision, threads, how)


def of_order(path: Path, places: Sequence[Path]) -> Ordered:
    """The order that the file at `path` holds; its models are looked for by content.

    `places` are files, and folders in which all files of the order's format are looked at; none
    are the folder of `path`. Raises OrderError, which names a model that is nowhere, or OSError.
    """
    order = _read(path)
    places = places or [path.parent]
    sizes = {model.size_bytes for model in order.models}
    candidates = _candidates(places, f".{FORMATS[order.runtime]}")
    found = {sha256_of(file): file for file in candidates if file.stat().st_size in sizes}
    wanted = {model.subject.sha256 for model in order.models}
    for model in order.models:
        if model.subject.sha256 not in found:
            raise OrderError(
                f"{path}: no file has the content of {model.subject.name!r}, sha256 "
                f"{model.subject.sha256[:12]}…, in {', '.join(map(str, places))}: name the files "
                "or the folder where the models of this order are"
            )
    return Ordered(order, {key: path for key, path in found.items() if key in wanted})


def _read(path: Path) -> Order:
    with path.open("rb") as file:
        text = file.read(MAX_ORDER_BYTES + 1)
    try:
        return Order.from_json(text)
    except OrderError as error:
        raise OrderError(f"{path}: {error}") from error


def _only(offers: Sequence[tuple[str, str]], whose: str) -> tuple[str, str]:
    if len(offers) > 1:
        named = ", ".join(" ".join(offer) for offer in offers)
        raise SeveralOrders(
            f"{whose} has files for {named}, and an order is one session of one of them: "
            "choose with --runtime and --precision, or make a bundle for each",
            offers,
        )
    return offers[0]


def _require_whole(path: Path, runtime: str) -> None:
    try:
        get_runtime(runtime).refuse_other_files(path)
    except OtherFiles:
        raise
    except ModelRejected:
        pass  # what else may be wrong with it the board says, of this model alone


def _ordered(jobs: Sequence[Job], runtime: str, precision: str, threads: int, how: How) -> Ordered:
    for job in jobs:
        _require_whole(job.path, runtime)
    models = [{"subject": job.subject, "size_bytes": job.path.stat().st_size} for job in jobs]
    fields = {"purpose": _PURPOSE, "runtime": runtime, "precision": precision, "threads": threads}
    try:
        order = Order.model_validate({**fields, "how": how, "models": models})
    except ValidationError as error:
        raise OrderError(f"no order can be made of this: {first_problem(error, 'it')}") from error
    return Ordered(order, {job.subject.sha256: job.path for job in jobs})


def _candidates(places: Iterable[Path], suffix: str) -> Iterable[Path]:
    for place in places:
        if place.is_dir():
            yield from sorted(path for path in place.rglob(f"*{suffix}") if path.is_file())
        else:
            yield place
