"""A made-up board and a made-up hub: no network, no child process, and a clock that is told."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from edge.agent.address import HubAddress
from edge.agent.client import HubClient
from edge.agent.loop import Agent
from edge.agent.settings import Settings
from edge.agent.state import State
from edge.bench import Failure
from edge.hub_api import Heartbeat, HeartbeatAnswer, OpenOrders, Report, ReportAnswer
from edge.orders import FailedModel, Order
from edge.record import Conditions, Measurement, Subject, Target
from edge.session import Result

TARGET = Target(
    device="board", runtime="ort", runtime_version="1", provider="cpu", precision="fp32", threads=1
)
URL = "http://127.0.0.1:1"
WEEK_S = 7 * 24 * 3600.0


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def subject(content: bytes, name: str = "model") -> Subject:
    return Subject(kind="file", name=name, sha256=sha256(content))


def record(
    of: Subject | None = None, runs: int = 50, blocks: int = 3, first_ns: int = 1_000_000
) -> Measurement:
    """Blocks of `runs` runs, each 1 ns slower than the one before."""
    return Measurement(
        subject=of or subject(b"model"),
        target=TARGET,
        conditions=Conditions(wall_time="2026-07-01T12:00:00+00:00", boot_id="boot"),
        warmup_ns=(),
        samples_ns=tuple(tuple(range(first_ns, first_ns + runs)) for _ in range(blocks)),
        verdict="clean",
    )


def order(*models: bytes, **changes: Any) -> Order:
    """Of model files with this content, named by its beginning."""
    ordered = [
        {"subject": subject(m, m.decode()[:100]).model_dump(), "size_bytes": len(m)} for m in models
    ]
    fields = {"purpose": "verify", "runtime": "onnxruntime", "precision": "fp32"}
    return Order.model_validate({**fields, "models": ordered, **changes})


@dataclass
class Time:
    """The monotonic clock and the sleep; it stops the agent when it is `until`."""

    now_s: float = 0.0
    until_s: float = float("inf")
    waits: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return 1_800_000_000.0 + self.now_s

    def wait(self, timeout: float) -> bool:
        self.now_s += timeout
        self.waits.append(timeout)
        return self.is_set()

    def is_set(self) -> bool:
        return self.now_s >= self.until_s


Handler = Callable[[httpx.Request], httpx.Response]


@dataclass
class Hub:
    """Holds what it was given; `override` answers in its place, by the beginning of a path."""

    orders: list[Order] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    override: dict[str, Handler] = field(default_factory=dict)
    records: dict[str, Measurement] = field(default_factory=dict)
    failures: dict[tuple[str, str], FailedModel] = field(default_factory=dict)
    reports: list[Report] = field(default_factory=list)
    beats: list[Heartbeat] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    quarantined: str | None = None
    away: bool = False

    def offer(self, *models: bytes, **changes: Any) -> Order:
        made = order(*models, **changes)
        self.orders.append(made)
        self.files.update({sha256(m): m for m in models})
        return made

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.calls.append(f"{request.method} {path}")
        if self.away:
            raise httpx.ConnectError("no route to host", request=request)
        for begin, handler in self.override.items():
            if path.startswith(begin):
                return handler(request)
        assert request.headers["Authorization"] == "Bearer token"
        if path == "/v1/heartbeat":
            self.beats.append(Heartbeat.model_validate_json(request.read()))
            return answer(HeartbeatAnswer(poll_s=60, quarantined=self.quarantined).to_json())
        if path == "/v1/orders":
            return answer(OpenOrders(orders=tuple(filter(self._is_open, self.orders))).to_json())
        if path == "/v1/reports":
            return self._take(request)
        return self._send(request)

    def _is_open(self, one: Order) -> bool:
        known = {r.subject.sha256 for r in self.records.values()}
        failed = {sha for of, sha in self.failures if of == one.id}
        return any(m.subject.sha256 not in known | failed for m in one.models)

    def _take(self, request: httpx.Request) -> httpx.Response:
        report = Report.model_validate_json(request.read())
        assert request.headers["Idempotency-Key"] == report.id
        self.reports.append(report)
        new = [r for r in report.records if r.id not in self.records]
        self.records.update({r.id: r for r in new})
        self.failures.update({(report.order or "", f.sha256): f for f in report.failures})
        known = len(report.records) - len(new)
        return answer(ReportAnswer(id=report.id, new=len(new), known=known).to_json())

    def _send(self, request: httpx.Request) -> httpx.Response:
        content = self.files.get(request.url.path.removeprefix("/v1/models/"))
        if content is None:
            return answer('{"detail": "unknown"}', 404)
        wanted = request.headers.get("Range")
        if wanted is None:
            return answer(content)
        begin = int(wanted.removeprefix("bytes=").removesuffix("-"))
        place = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        return answer(content[begin:], 206, {"Content-Range": place})


def answer(
    body: str | bytes = b"", status: int = 200, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """A response that is read piece by piece, as from the network."""
    data = body.encode() if isinstance(body, str) else body

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(data), 1000):
            yield data[start : start + 1000]

    return httpx.Response(status, headers=headers, content=pieces())


def refusing(status: int, detail: str = "no", **headers: str) -> Handler:
    return lambda _request: answer(json.dumps({"detail": detail}), status, headers)


def client(hub: Handler, time: Time | None = None) -> HubClient:
    transport = httpx.MockTransport(hub)
    clock = (time or Time()).clock
    return HubClient(HubAddress(URL), "token", transport=transport, clock=clock)


def measured(order: Order, files: Mapping[str, Path], **_: Any) -> list[Result]:
    """In place of `carry_out`: a model is measured, or fails as its content says."""
    results: list[Result] = []
    for n, model in enumerate(order.models):
        content = files[model.subject.sha256].read_bytes()
        if content.startswith((b"crash", b"oom", b"timeout", b"rejected")):
            kind: Any = content.split()[0].decode()
            results.append(Failure(model.subject, kind, f"as {content!r} does"))
        else:
            results.append(record(model.subject, first_ns=1_000_000 + n))
    return results


@contextmanager
def agent(hub: Handler, folder: Path, time: Time, **settings: Any) -> Iterator[Agent]:
    """On a board without sensors, with a disk that is never full; what it knows is in `folder`."""
    chosen = Settings(**{"root": folder / "nowhere", "min_free_bytes": 0, **settings})
    with State(folder / "state") as state, client(hub, time) as to_hub:
        yield Agent(
            to_hub,
            state,
            chosen,
            time,
            rng=random.Random(0),
            clock=time.clock,
            wall=time.wall,
        )


def run_once(hub: Handler, folder: Path, time: Time | None = None, **settings: Any) -> bool:
    """What `facet agent run --once` does."""
    with agent(hub, folder, time or Time(), **settings) as board:
        return board.run(once=True)
