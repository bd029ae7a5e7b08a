"""Many boards, one hub, a network between them, and everything that can be killed is killed."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from edge.agent.spool import look
from edge.hub import tokens
from edge.hub.hub import open_hub
from edge.hub.settings import Settings
from tests.soak import board as board_process
from tests.soak import hub_process
from tests.soak.balance import Disks, read_disks
from tests.soak.board import Board
from tests.soak.demand import Demand
from tests.soak.proxy import Fate, Proxy, draw_fate

_HUB = 0.1  # of all kills
_REBOOT = 0.05  # of those of boards: the power was cut, and not only the process
_OUTAGE = 0.2  # of those of the hub: it stays away for longer
_OUTAGE_S = (2.0, 8.0)  # times `SPEED` for the boards
_REBOOT_S = 1.0  # less than any board: what was sent before may arrive after what comes then
_ORDERS_EVERY_S = 1.0
_PATIENCE_S = 240.0

_processes = multiprocessing.get_context("forkserver")


@dataclass(frozen=True)
class Plan:
    """How much, and how hard."""

    kills: int = 1000
    boards: int = 20
    seed: int = 1
    every_s: float = 0.4  # by mean, between two kills


@dataclass(frozen=True)
class Balance:
    """Of a soak. `died` counts processes that ended although nobody killed them."""

    plan: Plan
    kills: Counter[str]
    reboots: int
    outages: int
    cuts: int
    died: int
    took_s: float
    disks: Disks

    @property
    def even(self) -> bool:
        """Nothing lost, doubled, altered, refused, damaged or left, and nobody died by itself."""
        disks, account = self.disks, self.disks.account
        wrong = (account.lost, account.duplicated, account.twice, account.altered)
        left = (disks.unfinished, disks.waiting, disks.refused, disks.failed, len(disks.damaged))
        return not any((*wrong, *left, self.died))


@dataclass
class Soak:
    """One run in the empty folder `folder`; `progress` gets (task, done, of)."""

    plan: Plan
    folder: Path
    progress: Callable[[str, int, int], object] = lambda *_: None
    rng: random.Random = field(init=False)
    kills: Counter[str] = field(default_factory=Counter)
    reboots: int = 0
    outages: int = 0
    died: int = 0
    _faulty: bool = True
    _feeding: bool = True
    _starts: int = 0
    _running: dict[Board, BaseProcess] = field(default_factory=dict)
    _hub: BaseProcess | None = None

    def __post_init__(self) -> None:
        self.rng = random.Random(self.plan.seed)
        self._network = random.Random(self.plan.seed + 1)  # calls come in no certain order
        self._settings = Settings(self.folder / "hub")
        _processes.set_forkserver_preload(
            ["__main__", board_process.__name__, hub_process.__name__]
        )

    async def run(self) -> Balance:
        """Kill, let all come to rest, and count."""
        began_s = time.monotonic()
        async with AsyncExitStack() as stack:
            stack.callback(self._kill_all)
            proxy = await stack.enter_async_context(Proxy(self._fate))
            boards, demand = self._people(proxy)
            await self._start_hub(proxy)
            await asyncio.to_thread(demand.bring_models, self._url(proxy))
            for board in boards:
                self._start(board)
            feeding = asyncio.create_task(self._feed(proxy, demand, boards))
            for done in range(self.plan.kills):
                self.progress("killing", done, self.plan.kills)
                await asyncio.sleep(self.rng.expovariate(1 / self.plan.every_s))
                await self._kill_one(proxy, boards)
            self._feeding = False
            await feeding
            await self._rest(proxy, demand, boards)
            await self._end()
        hub = open_hub(self._settings)
        try:
            disks = read_disks(hub, [board.spool for board in boards], demand.applications)
        finally:
            hub.close()
        return Balance(
            plan=self.plan,
            kills=self.kills,
            reboots=self.reboots,
            outages=self.outages,
            cuts=proxy.cuts,
            died=self.died,
            took_s=time.monotonic() - began_s,
            disks=disks,
        )

    def _people(self, proxy: Proxy) -> tuple[list[Board], Demand]:
        """Boards and an operator, known to the hub."""
        hub = open_hub(self._settings)
        boards = []
        for number in range(self.plan.boards):
            token = tokens.add(hub, "device", f"board-{number}")
            folder = self.folder / f"board-{number}"
            boards.append(Board(number, folder, f"http://127.0.0.1:{proxy.port}", token))
            boards[-1].boots("boot-0")
        operator = tokens.add(hub, "operator", "operator")
        demand = Demand(self.folder / "models", operator, random.Random(self.plan.seed + 2))
        hub.close()
        return boards, demand

    def _fate(self) -> Fate:
        return draw_fate(self._network) if self._faulty else Fate()

    def _url(self, proxy: Proxy) -> str:
        """Of the hub itself: the operator is on its machine."""
        return f"http://127.0.0.1:{proxy.upstream_port or 1}"

    async def _start_hub(self, proxy: Proxy) -> None:
        ours, theirs = _processes.Pipe(duplex=False)
        self._hub = _processes.Process(
            target=hub_process.run, args=(self.folder / "hub", theirs), daemon=True
        )
        self._hub.start()
        theirs.close()
        proxy.upstream_port = await asyncio.to_thread(ours.recv)  # EOFError where it does not start
        ours.close()

    def _start(self, board: Board) -> None:
        self._starts += 1
        process = _processes.Process(
            target=board_process.run, args=(board, self._starts), daemon=True
        )
        process.start()
        self._running[board] = process

    async def _kill_one(self, proxy: Proxy, boards: list[Board]) -> None:
        if self.rng.random() < _HUB:
            await self._kill_hub(proxy)
        else:
            await self._kill_board(self.rng.choice(boards))

    async def _kill_hub(self, proxy: Proxy) -> None:
        assert self._hub is not None
        self._kill(self._hub, "hub")
        proxy.upstream_port = None
        if self.rng.random() < _OUTAGE:
            self.outages += 1
            await asyncio.sleep(self.rng.uniform(*_OUTAGE_S))
        await self._start_hub(proxy)

    async def _kill_board(self, board: Board) -> None:
        self._kill(self._running[board], "board")
        if self.rng.random() < _REBOOT:
            self.reboots += 1
            await asyncio.sleep(_REBOOT_S)
            board.boots(f"boot-{self.reboots}")
        self._start(board)

    def _kill(self, process: BaseProcess, kind: str) -> None:
        process.kill()
        process.join()
        self.kills[kind] += 1
        self.died += process.exitcode != -signal.SIGKILL

    async def _feed(self, proxy: Proxy, demand: Demand, boards: list[Board]) -> None:
        while self._feeding:
            demand.leave_times(boards)
            await asyncio.to_thread(demand.order, self._url(proxy))
            await asyncio.sleep(_ORDERS_EVERY_S)

    async def _rest(self, proxy: Proxy, demand: Demand, boards: list[Board]) -> None:
        """A network without faults, until nothing is left to do; or for `_PATIENCE_S`."""
        self._faulty = False
        deadline_s = time.monotonic() + _PATIENCE_S
        most = 0
        while time.monotonic() < deadline_s:
            heard = await asyncio.to_thread(demand.order, self._url(proxy), False)
            left = demand.open_orders + sum(map(_left, boards))
            if heard and not left:
                return
            most = max(most, left)
            self.progress("coming to rest", most - left, most)
            await asyncio.sleep(_ORDERS_EVERY_S)

    async def _end(self) -> None:
        """All end as they are told to."""
        assert self._hub is not None
        for processes in (list(self._running.values()), [self._hub]):
            for process in processes:
                process.terminate()
            for process in processes:
                await asyncio.to_thread(process.join, _PATIENCE_S)
                self.died += process.exitcode not in (0, -signal.SIGTERM)

    def _kill_all(self) -> None:
        for process in (self._hub, *self._running.values()):
            if process is not None:
                process.kill()


def _left(board: Board) -> int:
    """What is still to be sent by a board."""
    return look(board.spool)[0].waiting + sum(1 for _ in board.inbox.glob("*.jsonl"))
