"""The way to other boards: through the hub that the environment names, or by hand."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import EdgeError
from edge.hub_access import HUB, HubAccess
from edge.record import Target
from pipeline.remote import describe
from pipeline.remote.errors import RemoteError
from pipeline.sections.target import TargetParams

if TYPE_CHECKING:
    import httpx

    from edge.session import Result
    from pipeline.remote.session import Placed, Session


@dataclass(frozen=True)
class Boards:
    """How boards are reached. `environ` names the hub; the rest is for tests."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    transport: httpx.BaseTransport | None = None
    sleep: Callable[[float], None] = time.sleep
    poll_s: float = 5.0

    def describe(self, params: TargetParams, key: str, root: Path = Path()) -> Target:
        """The target that a device elsewhere is, without being on it.

        `key` leads to it in params.yaml. Raises RemoteError, which names it.
        """
        try:
            access = HubAccess.of(self.environ)
            if access is None:
                return describe.of_file(params, key, root)
            with access.open(self.transport) as hub:
                return describe.of_hub(params, key, access.url, hub.devices())
        except RemoteError:
            raise
        except EdgeError as error:
            raise RemoteError(
                f"{key}.device: to ask for {params.device!r}: {error}; start the hub or set {HUB} "
                "anew, or put `device: local` there"
            ) from error

    def begin(self, sessions: Sequence[Session], root: Path, store: Path) -> Begun:
        """Order all sessions; boards of a hub begin at once.

        Raises RemoteError, and ReportMissing where bundles have to be carried.
        """
        from pipeline.remote.session import Placed

        placed = [Placed.of(session, store) for session in sessions]
        begun = Begun(placed, self, HubAccess.of(self.environ) if placed else None, root)
        begun.order()
        return begun


BOARDS = Boards()  # as the environment of the process says


@dataclass
class Begun:
    """Sessions that are ordered."""

    placed: Sequence[Placed]
    boards: Boards
    access: HubAccess | None
    root: Path
    _by_hand: list[list[Result]] = field(default_factory=list)

    def order(self) -> None:
        """Bring the orders to the hub; without one, read what came back."""
        if self.access is None:
            from pipeline.remote import hand

            self._by_hand = hand.results(self.placed, self.root)
            return
        from pipeline.remote.hub import submit

        with self.access.open(self.boards.transport) as hub:
            for placed in self.placed:
                submit(hub, placed)

    def results(self) -> list[list[Result]]:
        """For every session a record or a failure for each of its jobs; waits for them.

        What failed is ordered again by the next call of the stage. Raises RemoteError.
        """
        from edge.bench import Failure

        found = self._by_hand if self.access is None else self._wait(self.access)
        for placed, results in zip(self.placed, found, strict=True):
            if any(isinstance(result, Failure) for result in results):
                placed.round.end()
        return found

    def forget(self) -> None:
        """The results are safe: the next call of the stage measures anew."""
        from pipeline.remote import hand

        for placed in self.placed:
            placed.round.end()
            if self.access is None:
                hand.put_away(placed, self.root)

    def _wait(self, access: HubAccess) -> list[list[Result]]:
        from pipeline.remote.hub import Wait

        if not self.placed:
            return []
        with access.open(self.boards.transport) as hub:
            return Wait(hub, self.placed, self.boards.sleep, self.boards.poll_s).results()
