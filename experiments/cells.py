"""Run cells: the search and the extraction of one arm with one seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from benchmarks.rows import Row, append, read
from edge.files import sha256_of
from experiments import rows
from experiments.folder import TaskFolder
from experiments.lanes import in_lanes
from experiments.settings import Arms, Settings
from experiments.workspace import Workspace, prepare
from pipeline.calibrate import CALIBRATION_FILE
from pipeline.params import Params
from pipeline.store import content_key

_FOUND = "family.json"
_IN_ALL_KEYS = {"sampler", "reg_weight", "reg_cost"}  # unread or not: committed rows have them


class Cell(NamedTuple):
    """An arm with a seed; the key says what decides its row."""

    arm: str
    seed: int
    key: str


def run(
    settings: Settings,
    task: TaskFolder,
    seeds: Sequence[int] | None = None,
    arms: Sequence[str] | None = None,
    workers: int = 1,
) -> None:
    """Run all cells, or those of `seeds` and `arms`, that have no row yet. Raises StageError."""

    def make(cell: Cell) -> Row:
        return run_cell(settings, cell.arm, cell.seed, task)

    fill(task.results / rows.CELLS, cells(settings, task, seeds, arms), make, workers)


def cells(
    settings: Arms,
    task: TaskFolder,
    seeds: Iterable[int] | None = None,
    arms: Sequence[str] | None = None,
) -> Iterator[Cell]:
    """All cells, or those of `seeds` and `arms`: seed after seed, so that whole comparisons exist
    early."""
    every = sorted({seed for name in settings.arms for seed in settings.seeds_of(name)})
    for seed in every if seeds is None else seeds:
        for name in settings.arms:
            if seed in settings.seeds_of(name) and (arms is None or name in arms):
                yield Cell(name, seed, key_of(settings, name, seed, task))


def key_of(settings: Arms, arm: str, seed: int, task: TaskFolder) -> str:
    """Everything that decides the row of a cell, versions of packages and of the code apart."""
    table = sha256_of(task.table / "calibrate" / CALIBRATION_FILE.name)
    merged = settings.merged(arm, seed, task.root)
    unread = Params.model_validate(merged).search.unread - _IN_ALL_KEYS
    merged["search"] = {name: of for name, of in merged["search"].items() if name not in unread}
    return content_key(merged, settings.arms[arm].supernet_of, table)


def finished(file: str, settings: Arms, task: TaskFolder) -> list[Row]:
    """The last row of every cell that is of these settings and this table: rows of another protocol
    may even be of another space, and a cell that two processes made is one cell."""
    if not task.table.exists():
        return []
    keys = {cell.key for cell in cells(settings, task)}
    own = (row for row in rows.of(file, task) if row["key"] in keys)
    return list({(row["key"], row.get("architecture")): row for row in own}.values())


def fill(file: Path, cells: Iterable[Cell], make: Callable[[Cell], Row], workers: int) -> None:
    """Add the rows that the file lacks. Cells of one seed share checkpoints, so that `workers` run
    different seeds."""
    known = {row["key"] for row in read(file)}
    missing = [cell for cell in cells if cell.key not in known]

    def work(cell: Cell) -> None:
        number = missing.index(cell) + 1
        click.echo(f"cell {number}/{len(missing)}: {cell.arm}, seed {cell.seed}", err=True)
        append(file, {"key": cell.key, "arm": cell.arm, "seed": cell.seed, **make(cell)})

    in_lanes(missing, lambda cell: cell.seed, work, workers)


def run_cell(settings: Settings, arm: str, seed: int, task: TaskFolder) -> Row:
    """Search, where the arm does not read another's search, then extract; what was found, and the
    CPU seconds of its phases."""
    supernet_of = settings.arms[arm].supernet_of
    searched = workspace = search(settings, supernet_of or arm, seed, task)
    if supernet_of is not None:
        workspace = workspace_of(settings, arm, seed, task)
        _borrow(workspace, searched)
    kind = "uniform" if supernet_of else "search"
    return {**_search_seconds(workspace), **workspace.found("experiments.arm", kind, _FOUND)}


def search(settings: Arms, arm: str, seed: int, task: TaskFolder, prefix: str = "") -> Workspace:
    """The folder of a cell whose search is finished; it is read from its checkpoint where it was
    before."""
    workspace = workspace_of(settings, arm, seed, task, prefix)
    workspace.fetch_data()
    workspace.run("pipeline", "search")
    return workspace


def workspace_of(
    settings: Arms, arm: str, seed: int, task: TaskFolder, prefix: str = ""
) -> Workspace:
    """The folder of a cell; all cells of a seed share checkpoints."""
    merged = settings.merged(arm, seed, task.root)
    return prepare(f"{prefix}{arm}-{seed}", merged, f"store-{seed}", task)


def _borrow(where: Workspace, of: Workspace) -> None:
    for name in ("search", "metrics"):
        link = where.folder / "results" / name
        link.unlink(missing_ok=True)
        link.symlink_to(of.folder / "results" / name, target_is_directory=True)


def _search_seconds(workspace: Workspace) -> Row:
    metrics = json.loads((workspace.folder / "results/metrics/search.json").read_text("utf-8"))
    return {k: round(v, 1) for k, v in metrics.items() if k.startswith("cpu_s_")}
