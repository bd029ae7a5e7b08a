"""A real agent and a real hub, each a process, killed at random: nothing is lost or doubled."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from edge.files import sha256_of
from edge.hub_api import OrderRequest, OrderStatus, Records
from edge.orders import Order
from tests.soak.balance import whole
from tests.waiting import wait_until

FACET = [sys.executable, "-c", "from edge.cli import main; main()"]
HOW = {"warmup_s": 0, "blocks": 3, "block_s": 0.05, "block_runs": 50, "max_runs": 60}
PATIENCE_S = 120.0


@contextmanager
def process(*arguments: object, **more: Any) -> Iterator[subprocess.Popen[str]]:
    running = subprocess.Popen(
        [*FACET, *map(str, arguments)],
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        **more,
    )
    try:
        yield running
    finally:
        running.kill()
        running.wait()
        for pipe in (running.stdout, running.stderr):
            if pipe is not None:
                pipe.close()


@contextmanager
def hub_at(state: Path, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    where = ("--port", port, "--state", state)
    with process("hub", "serve", *where, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        line = running.stdout.readline()
        assert line.startswith("Hub at http"), line
        yield running, line.split()[-1]


class Operator:
    """Brings models and orders to a hub, and looks at what came of them."""

    def __init__(self, state: Path) -> None:
        self.device = self._token(state, "add-device", "board")
        self._headers = {"Authorization": f"Bearer {self._token(state, 'add-operator', 'me')}"}

    def _token(self, state: Path, *arguments: str) -> str:
        command = [*FACET, "hub", *arguments, "--state", str(state)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def order(self, url: str, *models: Path) -> str:
        ordered = []
        for path in models:
            sha256 = sha256_of(path)
            ordered.append(
                {
                    "subject": {"kind": "file", "name": path.name, "sha256": sha256},
                    "size_bytes": path.stat().st_size,
                }
            )
            where = f"{url}/v1/models/{sha256}"
            httpx.put(where, content=path.read_bytes(), headers=self._headers).raise_for_status()
        made = Order.model_validate(
            {
                "purpose": "verify",
                "runtime": "onnxruntime",
                "precision": "fp32",
                "how": HOW,
                "models": ordered,
            }
        )
        request = OrderRequest(device="board", order=made)
        where = f"{url}/v1/orders"
        httpx.post(where, content=request.to_json(), headers=self._headers).raise_for_status()
        return made.id

    def state(self, url: str, order: str) -> OrderStatus:
        where = f"{url}/v1/orders/{order}"
        answer = httpx.get(where, params={"device": "board"}, headers=self._headers)
        return OrderStatus.model_validate_json(answer.content)

    def records(self, url: str) -> Records:
        answer = httpx.get(f"{url}/v1/records", params={"limit": 1000}, headers=self._headers)
        return Records.model_validate_json(answer.content)


def agent_options(folder: Path, url: str, operator: Operator) -> list[object]:
    token = folder / "token"
    token.write_text(operator.device)
    return [
        *("agent", "run", "--hub", url, "--token-file", token),
        *("--state", folder / "agent", "--idle-poll", "0.2"),
    ]


def test_an_order_goes_from_the_hub_to_the_board_and_back(
    tmp_path: Path, onnx_model: Callable[[str], Path]
) -> None:
    operator = Operator(tmp_path / "hub")
    with hub_at(tmp_path / "hub") as (_, url):
        order = operator.order(url, onnx_model("one"), onnx_model("two"))
        with process(*agent_options(tmp_path, url, operator), "--once") as agent:
            assert agent.wait(PATIENCE_S) == 0
        status = operator.state(url, order)
        assert (status.state, status.measured, status.failures) == ("done", 2, ())
        records = operator.records(url).records
    assert sorted(record.subject.name for record in records) == ["one.onnx", "two.onnx"]
    assert {len(record.samples_ns) for record in records} == {3}


def test_told_to_stop_it_ends_cleanly(tmp_path: Path) -> None:
    operator = Operator(tmp_path / "hub")
    hub = hub_at(tmp_path / "hub")
    with hub as (_, url), process(*agent_options(tmp_path, url, operator)) as agent:
        wait_until((tmp_path / "agent/status.json").exists, PATIENCE_S)
        agent.send_signal(signal.SIGTERM)
        assert agent.wait(PATIENCE_S) == 0


@pytest.mark.slow
def test_agent_and_hub_killed_at_random_lose_and_double_nothing(
    tmp_path: Path, onnx_model: Callable[[str], Path]
) -> None:
    rng = random.Random(1)
    operator = Operator(tmp_path / "hub")
    models = [onnx_model(f"model-{n}") for n in range(6)]
    with hub_at(tmp_path / "hub") as (_, url):
        orders = [operator.order(url, *models[n : n + 2]) for n in (0, 2, 4)]
    port = int(url.rpartition(":")[2])
    for _ in range(15):
        with hub_at(tmp_path / "hub", port), process(*agent_options(tmp_path, url, operator)):
            time.sleep(rng.uniform(0.5, 3.0))
        assert whole(tmp_path / "hub/hub.db")
        assert whole(tmp_path / "agent/spool.sqlite")
    with hub_at(tmp_path / "hub", port):
        with process(*agent_options(tmp_path, url, operator)):
            wait_until(
                lambda: all(operator.state(url, one).state == "done" for one in orders), PATIENCE_S
            )
        statuses = [operator.state(url, one) for one in orders]
        names = Counter(record.subject.name for record in operator.records(url).records)
    blocked = sum(len(status.failures) for status in statuses)
    assert all(f.kind == "crash" for status in statuses for f in status.failures)
    assert set(names.values()) == {1}
    assert len(names) + blocked == 6
