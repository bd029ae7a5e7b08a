"""Run cells: the search and the extraction of one arm with one seed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

import click

from benchmarks.rows import Row
from edge.files import sha256_of
from experiments import rows
from experiments.folder import TaskFolder
from experiments.lanes import in_lanes
from experiments.settings import Settings
from experiments.workspace import Workspace, prepare
from pipeline.calibrate import CALIBRATION_FILE
from pipeline.store import content_key

_FOUND = "family.json"


def run(
    settings: Settings,
    task: TaskFolder,
    seeds: Sequence[int] | None = None,
    arms: Sequence[str] | None = None,
    workers: int = 1,
) -> None:
    """Run all cells, or those of `seeds` and `arms`, that have no row yet: seed after seed, so that
    whole comparisons exist early. Cells of one seed share checkpoints, so that `workers` run
    different seeds. Raises StageError."""
    known = {row["key"] for row in rows.of(rows.CELLS, task)}
    missing = [
        (arm, seed, key)
        for arm, seed in cells(settings, seeds, arms)
        if (key := key_of(settings, arm, seed, task)) not in known
    ]

    def work(cell: tuple[str, int, str]) -> None:
        arm, seed, key = cell
        click.echo(f"cell: {arm}, seed {seed} ({missing.index(cell) + 1}/{len(missing)})", err=True)
        found = run_cell(settings, arm, seed, task)
        row = {"key": key, "arm": arm, "seed": seed, **found}
        rows.append(task.results / rows.CELLS, row)

    in_lanes(missing, lambda cell: cell[1], work, workers)


def cells(
    settings: Settings, seeds: Iterable[int] | None = None, arms: Sequence[str] | None = None
) -> Iterator[tuple[str, int]]:
    """Arm and seed of every cell."""
    most = max(arm.seeds for arm in settings.arms.values())
    for seed in range(most) if seeds is None else seeds:
        for name, arm in settings.arms.items():
            if seed < arm.seeds and (arms is None or name in arms):
                yield name, seed


def key_of(settings: Settings, arm: str, seed: int, task: TaskFolder) -> str:
    """Everything that decides the row of a cell, versions of packages and of the code apart."""
    table = sha256_of(task.table / "calibrate" / CALIBRATION_FILE.name)
    merged = settings.merged(arm, seed, task.root)
    return content_key(merged, settings.arms[arm].supernet_of, table)


def run_cell(settings: Settings, arm: str, seed: int, task: TaskFolder) -> Row:
    """Search, where the arm does not read another's search, then extract; what was found, and the
    CPU seconds of its phases."""
    supernet_of = settings.arms[arm].supernet_of
    searched = workspace_of(settings, supernet_of or arm, seed, task)
    searched.fetch_data()
    searched.run("pipeline", "search")  # a finished one is read from its checkpoint
    workspace = searched
    if supernet_of is not None:
        workspace = workspace_of(settings, arm, seed, task)
        _borrow(workspace, searched)
    workspace.run("experiments.arm", "uniform" if supernet_of else "search", _FOUND)
    found = json.loads((workspace.folder / _FOUND).read_text(encoding="utf-8"))
    return {**_search_seconds(workspace), **found}


def workspace_of(settings: Settings, arm: str, seed: int, task: TaskFolder) -> Workspace:
    """The folder of a cell; all cells of a seed share checkpoints."""
    merged = settings.merged(arm, seed, task.root)
    return prepare(f"{arm}-{seed}", merged, f"store-{seed}", task)


def _borrow(where: Workspace, of: Workspace) -> None:
    for name in ("search", "metrics"):
        link = where.folder / "results" / name
        link.unlink(missing_ok=True)
        link.symlink_to(of.folder / "results" / name, target_is_directory=True)


def _search_seconds(workspace: Workspace) -> Row:
    metrics = json.loads((workspace.folder / "results/metrics/search.json").read_text("utf-8"))
    return {k: round(v, 1) for k, v in metrics.items() if k.startswith("cpu_s_")}
