"""Steps on stderr: a bar on a terminal, one line per task elsewhere.

The bar is drawn between two steps and never by a thread of its own: what is shown must not
disturb what is measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID


class Steps:
    """Called with (task, steps done, steps in all); a new name is a new task."""

    def __init__(self, console: Console | None = None) -> None:
        from rich import progress
        from rich.console import Console

        self._console = console or Console(stderr=True, markup=False, highlight=False)
        self._bar = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeRemainingColumn(),
            console=self._console,
            auto_refresh=False,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Steps:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, task: str, done: int, of: int) -> None:
        if task not in self._tasks:
            self._tasks[task] = self._bar.add_task(task, total=of)
            if not self._console.is_terminal:
                self._console.print(f"{task} ...")
        self._bar.update(self._tasks[task], completed=done)
        self._bar.refresh()
