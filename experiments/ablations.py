"""What the parts of the method are worth: each is left out, or is another, in an arm of its own.

Nothing is trained: an arm is judged by the shared weights of its own search, against the uniform α
of the same weights.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.rows import Row
from experiments import rows
from experiments.cells import Cell, cells, fill, search
from experiments.folder import TaskFolder
from experiments.settings import Ablations

_FOUND = "evidence.json"


def run(
    settings: Ablations,
    task: TaskFolder,
    seeds: Sequence[int] | None = None,
    arms: Sequence[str] | None = None,
    workers: int = 1,
) -> None:
    """Run all ablations, or those of `seeds` and `arms`, that have no row yet.

    They lie beside the cells and share their checkpoints: an arm that differs after the warm-up
    only does not warm up again. Raises StageError.
    """

    def make(cell: Cell) -> Row:
        where = search(settings, cell.arm, cell.seed, task, prefix="ablation-")
        return where.found("experiments.evidence", _FOUND)

    fill(task.results / rows.ABLATIONS, cells(settings, task, seeds, arms), make, workers)
