"""A task is a folder: its protocol, its latency table, and the rows that were made so far."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.errors import EdgeError

EXPERIMENTS = Path("experiments")
DEFAULT_TASK = "fashion"
_PROTOCOL = "params.yaml"
_ABLATIONS = "ablations.yaml"


class UnknownTask(EdgeError, FileNotFoundError):
    """A task that has no protocol."""


@dataclass(frozen=True)
class TaskFolder:
    """Where everything of one task lies, below `root`."""

    name: str
    root: Path = Path()

    @property
    def protocol_file(self) -> Path:
        """Relative to `root`, as all paths in a protocol are."""
        return EXPERIMENTS / self.name / _PROTOCOL

    @property
    def ablations_file(self) -> Path:
        """The same of the ablations; not every task has some."""
        return EXPERIMENTS / self.name / _ABLATIONS

    @property
    def arguments(self) -> list[str]:
        """ROOT and TASK for a module that runs elsewhere."""
        return [str(self.root.resolve()), self.name]

    @property
    def table(self) -> Path:
        """Profile and calibration that all cells share; Git keeps them."""
        return self.root / EXPERIMENTS / self.name / "table"

    @property
    def results(self) -> Path:
        """The rows; Git keeps them, too."""
        return self.root / EXPERIMENTS / self.name / "results"

    @property
    def work(self) -> Path:
        """May be removed at any time: all of it can be made again."""
        return self.root / EXPERIMENTS / ".work" / self.name


def named(name: str, root: Path = Path()) -> TaskFolder:
    """The folder of a task. Raises UnknownTask, which names those there are."""
    folder = TaskFolder(name, root)
    if not (root / folder.protocol_file).exists():
        known = ", ".join(other.name for other in all_tasks(root))
        raise UnknownTask(f"{folder.protocol_file} does not exist; tasks are {known}")
    return folder


def all_tasks(root: Path = Path()) -> list[TaskFolder]:
    """Every task that has a protocol, the default one first."""
    names = [file.parent.name for file in (root / EXPERIMENTS).glob(f"*/{_PROTOCOL}")]
    return [TaskFolder(n, root) for n in sorted(names, key=lambda n: (n != DEFAULT_TASK, n))]
