"""Which model takes the agent down with it: one that killed three starts is blocked.

Models run in a process apart, and yet one may bring down the whole board. What runs is therefore
written to the disk before it runs and cleared after it. An order that a start of the agent died
in is gone through model by model before it is measured again, so that the culprit is known. A
start that got further than the one before is no evidence: power cuts alone block nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from edge.files import write_atomic

MAX_DEATHS = 3


class _Run(BaseModel):
    """An order under way. `running` and the keys of `deaths`: the sha256 of a model that ran
    alone, or the order's id where all its models ran."""

    model_config = ConfigDict(extra="forbid")

    order: str
    kept: int  # blocks of runs that were finished when it began
    running: str | None = None
    deaths: dict[str, int] = {}


class _Content(BaseModel):
    model_config = ConfigDict(extra="forbid")

    blocked: dict[str, str] = {}  # key -> why
    run: _Run | None = None


class Starts:
    """The starts that died, in the file `path`; a file that cannot be read holds none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content = _read(path)

    @property
    def blocked(self) -> dict[str, str]:
        """Why something is never run again, by a model's sha256 or by an order's id."""
        return dict(self._content.blocked)

    def begin(self, order: str, models: Iterable[str], kept: int) -> bool:
        """`order` is about to run, with `kept` blocks finished. True where a start died in it.

        Blocks the model that killed `MAX_DEATHS` starts, or the order where no model alone did.
        """
        deaths = self._deaths(order, kept)
        self._content.run = _Run(order=order, kept=kept, deaths=dict(deaths))
        for model in models:
            if deaths[model] and deaths[model] + deaths[order] >= MAX_DEATHS:
                self._content.blocked[model] = f"it killed {MAX_DEATHS} starts of the agent"
        if deaths[order] >= MAX_DEATHS:
            self._content.blocked[order] = (
                f"the models of its order together killed {MAX_DEATHS} starts of the agent"
            )
        self._write()
        return bool(deaths)

    def running(self, key: str) -> AbstractContextManager[object]:
        """While a model or an order runs. A death inside counts against it, an exception not."""
        # No generator: one that a death leaves behind writes when the interpreter collects it.
        self._mark(key)
        inside = ExitStack()
        inside.callback(self._mark, None)
        return inside

    def end(self) -> None:
        """The order is over, whatever came of it."""
        self._content.run = None
        self._write()

    def _deaths(self, order: str, kept: int) -> Counter[str]:
        last = self._content.run
        if last is None or last.order != order:
            return Counter()
        deaths = Counter(last.deaths if kept <= last.kept else {})
        if last.running is not None:
            deaths[last.running] += 1
        return deaths

    def _mark(self, key: str | None) -> None:
        run = self._content.run
        assert run is not None, "begin comes first"
        run.running = key
        self._write()

    def _write(self) -> None:
        write_atomic(self._path, self._content.model_dump_json())


def _read(path: Path) -> _Content:
    try:
        return _Content.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return _Content()
