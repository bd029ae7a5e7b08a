"""A hub on a temporary folder, with a clock that the test sets, and those who call it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
from fastapi.testclient import TestClient

from edge.calibration import fit
from edge.hub import tokens
from edge.hub.app import create_app
from edge.hub.hub import Hub, open_hub
from edge.hub.settings import Settings
from edge.hub_api import Report
from edge.orders import FailedModel, Order
from edge.record import Measurement, Subject, iter_networks
from tests.edge.feedback.made_up import NOW, table
from tests.edge.feedback.made_up import world as made_up_networks

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=timezone.utc)


@dataclass
class World:
    """A hub, a client without a token, and what they talk about."""

    settings: Settings
    now: datetime = START
    monotonic_s: float = 0.0
    hub: Hub = field(init=False)
    client: TestClient = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.hub = open_hub(self.settings, lambda: self.now, lambda: self.monotonic_s)
        self.client = TestClient(create_app(self.hub), raise_server_exceptions=False)

    def restart(self, **changed: Any) -> None:
        """As another process would: nothing but the disk is kept."""
        self.hub.close()
        self.settings = replace(self.settings, **changed)
        self.start()

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time)
        self.monotonic_s += timedelta(**time).total_seconds()

    def device(self, name: str = "pi") -> Party:
        return Party(self, tokens.add(self.hub, "device", name))

    def operator(self, name: str = "lab") -> Party:
        return Party(self, tokens.add(self.hub, "operator", name))


@dataclass
class Party:
    """Somebody with a token."""

    world: World
    token: str

    def call(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", **arguments.pop("headers", {})}
        return self.world.client.request(method, path, headers=headers, **arguments)

    def beat(self, **changed: Any) -> httpx.Response:
        return self.call("POST", "/v1/heartbeat", content=json.dumps(heartbeat(**changed)))

    def report(self, report: Report, **headers: str) -> httpx.Response:
        headers = {"Idempotency-Key": report.id, **headers}
        return self.call("POST", "/v1/reports", content=report.to_json(), headers=headers)

    def put(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        answer = self.call("PUT", f"/v1/models/{sha256}", content=content)
        assert answer.status_code == 204, answer.text
        return sha256

    def order(self, order: Order, device: str = "pi") -> httpx.Response:
        request = {"device": device, "order": order.model_dump(mode="json")}
        return self.call("POST", "/v1/orders", content=json.dumps(request))

    def records(self, **query: Any) -> list[Measurement]:
        found = self.call("GET", "/v1/records", params=query).json()["records"]
        return [Measurement.model_validate(m) for m in found]


def heartbeat(**changed: Any) -> dict[str, Any]:
    return {
        "agent_version": "0.4.0",
        "boot_id": "boot-1",
        "uptime_s": 100.0,
        "wall_time": "2026-03-01T12:00:00+00:00",
        "clock_synchronised": True,
        "device": "Raspberry Pi 5 Model B Rev 1.0, 4 cores, aarch64, raspberry-pi",
        "targets": [],
        "temperature_c": 51.3,
        "throttled": False,
        "state": "idle",
        "spooled": 0,
        "spool_bytes": 0,
        **changed,
    }


@dataclass(frozen=True)
class Maker:
    """Makes orders and what a device answers to them."""

    device: str = "Raspberry Pi 5 Model B Rev 1.0, 4 cores, aarch64, raspberry-pi"

    def subject(self, sha256: str, name: str = "net", **more: Any) -> Subject:
        return Subject(kind="file", name=name, sha256=sha256, **more)

    def order(self, *contents: bytes, **changed: Any) -> Order:
        models = [
            {
                "subject": self.subject(hashlib.sha256(content).hexdigest()).model_dump(),
                "size_bytes": len(content),
            }
            for content in contents
        ]
        plain = {"purpose": "verify", "runtime": "onnxruntime", "precision": "fp32", "threads": 1}
        return Order.model_validate({**plain, "models": models, **changed})

    def record(self, subject: Subject, seed: int = 0, **changed: Any) -> Measurement:
        """Three blocks of two runs, 2 ms by median, with `seed` in one of them."""
        target = {
            "device": self.device,
            "runtime": "onnxruntime",
            "runtime_version": "1.23.0",
            "provider": "CPUExecutionProvider",
            "precision": "fp32",
            "threads": 1,
            **changed.pop("target", {}),
        }
        plain = {
            "subject": subject.model_dump(),
            "target": target,
            "conditions": {"wall_time": "2026-03-01T11:59:00+00:00", "boot_id": "boot-1"},
            "warmup_ns": [3_000_000],
            "samples_ns": [[2_000_000, 2_000_000], [2_000_000, 1_900_000 + seed], [2_100_000] * 2],
            "verdict": "clean",
        }
        return Measurement.model_validate({**plain, **changed})

    def report(self, order: Order, *seeds: int, **changed: Any) -> Report:
        """A record of every model, for each of `seeds`."""
        records = tuple(
            self.record(model.subject, seed) for seed in seeds or (0,) for model in order.models
        )
        return Report.model_validate({"order": order.id, "records": records, **changed})


LONG = "a-name-that-is-far-too-long-for-the-width-of-any-phone-" * 3
HOSTILE = f'<b onclick="x()">{LONG[:200]}&ü</b>'


def busy(world: World, folder: Path) -> None:
    """A hub with everything on its page: six devices, orders with failures, two targets, one of
    them with a calibration, and names that are no HTML."""
    calibration = fit(table(), list(iter_networks(networks(0, 12))), now=NOW)
    path = folder / "calibration.json"
    path.write_text(json.dumps(calibration.to_dict()))
    world.restart(calibrations=(path,))
    make, lab = Maker(), world.operator()
    world.device("brand-new")
    away, clone, pi = world.device("away"), world.device("clone"), world.device("pi")
    away.beat(temperature_c=None, throttled=None, clock_synchronised=False)
    world.passes(hours=5)
    for boot_id, uptime_s in (("a", 100), ("b", 100), ("a", 120)):
        clone.beat(boot_id=boot_id, uptime_s=uptime_s, device=HOSTILE)
    pi.beat(state="measuring", spooled=3, throttled=True, temperature_c=81.4)
    for content in (b"one", b"two!"):
        lab.put(content)
    order = make.order(b"one", b"two!")
    lab.order(order)
    failure = FailedModel(sha256=order.models[1].subject.sha256, kind="crash", detail=HOSTILE)
    pi.report(Report(order=order.id, records=make.report(order).records[:1], failures=(failure,)))
    lab.order(make.order(b"one", purpose="profile"))
    fast = [m.model_copy(update={"verdict": "suspect"}) for m in networks(2, 2)]
    world.device("bench").report(Report(records=(*networks(1, 9, {"conv_k3": 1.3}), *fast)))
    emulated = make.record(make.subject("a" * 64), target={"device": f"Pi 5 (emulated) {HOSTILE}"})
    world.device("emulator").report(Report(records=(emulated,)))


def networks(seed: int, n: int, price: dict[str, float] | None = None) -> list[Measurement]:
    """Random networks of the board that `tests.edge.feedback.made_up` makes up, of model files."""
    return [
        m.model_copy(update={"subject": m.subject.model_copy(update={"sha256": "b" * 64})})
        for m in made_up_networks(seed, n, price)
    ]
