"""Those who want something measured: an operator with orders, applications with their own times."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.agent.address import HubAddress
from edge.agent.client import HubAway
from edge.files import sha256_of
from edge.hub_client import Operator
from edge.orders import Order
from tests.soak.board import Board

_MODELS = 12
_MODEL_BYTES = 20_000
_ENOUGH = 6  # open orders of a board
_MORE = 3
_LEAVES_TIMES = 0.2  # a board's application, whenever it is asked
_FLOODS = 0.05  # of those times
_FLOOD = 80  # files; with the longest of runs more than a spool takes
_MAX_RUNS = 2000


@dataclass
class Demand:
    """Models, the orders of them, and what applications left.

    `open_orders` is what the hub said last; `applications` the names that their times go by.
    """

    folder: Path
    token: str
    rng: random.Random
    open_orders: int = 0
    applications: set[str] = field(default_factory=set)
    _models: list[Path] = field(default_factory=list)
    _unheard: list[tuple[str, Order]] = field(default_factory=list)
    _made: int = 0

    def bring_models(self, url: str) -> None:
        """To the hub, before anything is ordered."""
        self.folder.mkdir()
        with self._operator(url) as operator:
            for number in range(_MODELS):
                path = self.folder / f"model-{number}"
                path.write_bytes(self.rng.randbytes(_MODEL_BYTES))
                operator.upload(sha256_of(path), path)
                self._models.append(path)

    def order(self, url: str, more: bool = True) -> bool:
        """Keep all boards busy, or with `more` false see to it that the hub has all orders.

        Whether it has; a hub that goes away in between has them the next time.
        """
        try:
            with self._operator(url) as operator:
                if more and not self._unheard:
                    self._unheard = list(self._new(operator))
                while self._unheard:
                    operator.submit(*self._unheard[-1])
                    self._unheard.pop()
                self.open_orders = sum(d.open_orders for d in operator.devices().devices)
        except HubAway:
            return False
        return True

    def leave_times(self, boards: Sequence[Board]) -> None:
        """Some boards' applications leave inference times, and now and then far too many."""
        for board in boards:
            if self.rng.random() >= _LEAVES_TIMES:
                continue
            if self.rng.random() < _FLOODS:
                for _ in range(_FLOOD):
                    self._leave(board, _MAX_RUNS)
            else:
                self._leave(board, self.rng.randint(1, _MAX_RUNS))

    def _leave(self, board: Board, runs: int) -> None:
        """As docs/agent.md tells an application to."""
        board.inbox.mkdir(parents=True, exist_ok=True)
        self._made += 1
        name = f"application-{self._made}"
        line = {
            "name": name,
            "sha256": f"{self._made:064x}",
            "runtime": "litert",
            "runtime_version": "2",
            "provider": "CPU",
            "precision": "int8",
            "threads": 1,
            "latency_ms": [self.rng.uniform(1, 2)] * runs,
        }
        part = board.inbox / f"{name}.tmp"
        part.write_text(json.dumps(line) + "\n")
        part.rename(part.with_suffix(".jsonl"))
        self.applications.add(name)

    def _new(self, operator: Operator) -> Iterator[tuple[str, Order]]:
        for device in operator.devices().devices:
            if device.open_orders < _ENOUGH:
                yield from ((device.name, self._any_order()) for _ in range(_MORE))

    def _any_order(self) -> Order:
        self._made += 1
        models: list[dict[str, Any]] = []
        for path in self.rng.sample(self._models, self.rng.randint(1, 3)):
            subject = {"kind": "file", "name": path.name, "sha256": sha256_of(path)}
            models.append({"subject": subject, "size_bytes": _MODEL_BYTES})
        return Order.model_validate(
            {
                "purpose": "verify",
                "runtime": "onnxruntime",
                "precision": "fp32",
                "how": {"seed": self._made},  # no two orders are the same
                "models": models,
            }
        )

    def _operator(self, url: str) -> Operator:
        return Operator(HubAddress(url), self.token)
