"""One board as a process: the real agent with a real spool, whose measuring takes no time."""

from __future__ import annotations

import logging
import random
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edge.agent import loop, work
from edge.agent.address import HubAddress
from edge.agent.client import HubClient
from edge.agent.conditions import heartbeat
from edge.agent.loop import Agent
from edge.agent.settings import Settings
from edge.agent.spool import MIN_CAP_BYTES
from edge.agent.state import State
from edge.bench import Failure
from edge.device import describe
from edge.files import sha256_of
from edge.hub_api import DeviceWork, Heartbeat
from edge.orders import Order
from edge.record import Conditions, Measurement, Target
from edge.session import Result
from tests.soak.witness import WitnessedSpool

SPEED = 60.0  # a minute of waiting is a second
CACHE_BYTES = 100_000  # less than the models of all orders: they are fetched again and again

_BOOT_ID = "proc/sys/kernel/random/boot_id"
_LATEST_S = 4e9  # 2096
_STARTS = 100_000
_RUNS = (40, 40, 2000)  # of a block: summaries, and raw samples that fill a spool
_BLOCKS = 3
_BLOCK_S = 0.01  # by mean


@dataclass(frozen=True)
class Board:
    """What its process needs to know; `folder` is all that outlives it."""

    number: int
    folder: Path
    url: str
    token: str

    @property
    def name(self) -> str:
        return f"board-{self.number}"

    @property
    def spool(self) -> Path:
        return self.folder / "state/spool.sqlite"

    @property
    def inbox(self) -> Path:
        return self.folder / "state/inbox"

    def boots(self, boot_id: str) -> None:
        """The kernel calls this boot so from now on."""
        path = self.folder / "root" / _BOOT_ID
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{boot_id}\n")


class Hurry:
    """Clocks and a sleep of a world that is `SPEED` times as fast, whose time of day jumps."""

    def __init__(self, stop: threading.Event, rng: random.Random) -> None:
        self._stop = stop
        self._rng = rng

    def clock(self) -> float:
        return time.monotonic() * SPEED

    def wall(self) -> float:
        return self._rng.uniform(0, _LATEST_S) if self._rng.random() < 0.2 else time.time()

    def is_set(self) -> bool:
        return self._stop.is_set()

    def wait(self, timeout: float) -> bool:
        return self._stop.wait(timeout / SPEED)


@dataclass
class MadeUp:
    """In place of `edge.carry_out.carry_out`: every measurement has a number of its own, in its
    warm-up, which a record keeps when it is thinned."""

    next_serial: int
    rng: random.Random
    hurry: Hurry

    def __call__(
        self, order: Order, files: Mapping[str, Path], *, progress: Any, root: Path, **_: Any
    ) -> list[Result]:
        device = describe(root).fingerprint
        results: list[Result] = []
        for model in order.models:
            for block in range(_BLOCKS):
                progress("measuring", block, _BLOCKS)
                time.sleep(self.rng.expovariate(1 / _BLOCK_S))
            if sha256_of(files[model.subject.sha256]) == model.subject.sha256:
                results.append(self._record(device, order, model.subject))
            else:
                results.append(Failure(model.subject, "rejected", "another file than ordered"))
        return results

    def _record(self, device: str, order: Order, subject: Any) -> Measurement:
        self.next_serial += 1
        first_ns = self.rng.randrange(1_000_000, 2_000_000)
        runs = self.rng.choice(_RUNS)
        wall_time = datetime.fromtimestamp(self.hurry.wall(), timezone.utc).isoformat()
        return Measurement(
            subject=subject,
            target=Target(
                device=device,
                runtime=order.runtime,
                runtime_version="1",
                provider="made up",
                precision=order.precision,
                threads=order.threads,
            ),
            conditions=Conditions(wall_time=wall_time),
            warmup_ns=(self.next_serial,),
            samples_ns=(tuple(range(first_ns, first_ns + runs)),) * _BLOCKS,
            verdict="clean",
        )


def _heartbeat(state: DeviceWork, spooled: int, spool_bytes: int, root: Path) -> Heartbeat:
    """With the uptime of a board that boots when it is told to."""
    beat = heartbeat(state, spooled, spool_bytes, root)
    booted_s = (root / _BOOT_ID).stat().st_mtime
    return beat.model_copy(update={"uptime_s": time.time() - booted_s})


def run(board: Board, start: int) -> None:
    """The life of the process, until SIGTERM or a kill; `start` counts the processes of all
    boards, and seeds what this one draws."""
    logging.basicConfig(filename=board.folder / "log", level=logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    rng = random.Random(start)
    hurry = Hurry(stop, rng)
    loop.heartbeat = _heartbeat
    work.carry_out = MadeUp(start * _STARTS, rng, hurry)  # type: ignore[assignment]
    loop.Spool = WitnessedSpool  # type: ignore[misc]
    settings = Settings(
        spool_cap_bytes=MIN_CAP_BYTES,
        cache_cap_bytes=CACHE_BYTES,
        min_free_bytes=0,
        root=board.folder / "root",
    )
    with (
        State(board.folder / "state") as state,
        HubClient(HubAddress(board.url), board.token, clock=hurry.clock) as client,
    ):
        Agent(client, state, settings, hurry, rng=rng, clock=hurry.clock, wall=hurry.wall).run()
