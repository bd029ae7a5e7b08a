"""Run cells: the search and the extraction of one arm with one seed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from benchmarks.rows import Row
from edge.files import sha256_of
from experiments import rows
from experiments.settings import Settings
from experiments.workspace import TABLE, Workspace, prepare
from pipeline.calibrate import CALIBRATION_FILE
from pipeline.store import content_key

_FOUND = "family.json"


def run(
    settings: Settings,
    seeds: Sequence[int] | None = None,
    arms: Sequence[str] | None = None,
    root: Path = Path(),
) -> None:
    """Run all cells, or those of `seeds` and `arms`, that have no row yet: seed after seed, so that
    whole comparisons exist early. Raises StageError."""
    for arm, seed in cells(settings, seeds, arms):
        key = key_of(settings, arm, seed, root)
        if any(row["key"] == key for row in rows.of(rows.CELLS, root)):
            continue
        click.echo(f"cell: {arm}, seed {seed}", err=True)
        found = run_cell(settings, arm, seed, root)
        row = {"key": key, "arm": arm, "seed": seed, **found}
        rows.append(root / rows.RESULTS / rows.CELLS, row)


def cells(
    settings: Settings, seeds: Iterable[int] | None = None, arms: Sequence[str] | None = None
) -> Iterator[tuple[str, int]]:
    """Arm and seed of every cell."""
    most = max(arm.seeds for arm in settings.arms.values())
    for seed in range(most) if seeds is None else seeds:
        for name, arm in settings.arms.items():
            if seed < arm.seeds and (arms is None or name in arms):
                yield name, seed


def key_of(settings: Settings, arm: str, seed: int, root: Path = Path()) -> str:
    """Everything that decides the row of a cell, versions of packages and of the code apart."""
    table = sha256_of(root / TABLE / "calibrate" / CALIBRATION_FILE.name)
    return content_key(settings.merged(arm, seed, root), settings.arms[arm].supernet_of, table)


def run_cell(settings: Settings, arm: str, seed: int, root: Path = Path()) -> Row:
    """Search, where the arm does not read another's search, then extract; what was found, and the
    CPU seconds of its phases."""
    supernet_of = settings.arms[arm].supernet_of
    searched = _workspace(settings, supernet_of or arm, seed, root)
    searched.run("pipeline", "search")  # a finished one is read from its checkpoint
    workspace = searched
    if supernet_of is not None:
        workspace = _workspace(settings, arm, seed, root)
        _borrow(workspace, searched)
    workspace.run("experiments.arm", "uniform" if supernet_of else "search", _FOUND)
    found = json.loads((workspace.folder / _FOUND).read_text(encoding="utf-8"))
    return {**_search_seconds(workspace), **found}


def _workspace(settings: Settings, arm: str, seed: int, root: Path) -> Workspace:
    merged = settings.merged(arm, seed, root)
    return prepare(f"{arm}-{seed}", merged, f"store-{seed}", root=root)


def _borrow(where: Workspace, of: Workspace) -> None:
    for name in ("search", "metrics"):
        link = where.folder / "results" / name
        link.unlink(missing_ok=True)
        link.symlink_to(of.folder / "results" / name, target_is_directory=True)


def _search_seconds(workspace: Workspace) -> Row:
    metrics = json.loads((workspace.folder / "results/metrics/search.json").read_text("utf-8"))
    return {k: round(v, 1) for k, v in metrics.items() if k.startswith("cpu_s_")}
