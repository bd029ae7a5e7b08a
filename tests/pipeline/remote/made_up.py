"""A hub that is told what boards answer: a transport of httpx, so that no network is needed."""

import hashlib
import json
from dataclasses import dataclass, field

import httpx

from edge.bench import Job, Protocol
from edge.files import sha256_of
from edge.hub_api import Devices, DeviceStatus, Heartbeat, OrderRequest, OrderStatus, Records
from edge.orders import FailedModel
from edge.record import Conditions, Measurement, Subject
from pipeline.remote import Boards, Session
from tests.pipeline.made_up import TARGET

URL = "http://127.0.0.1:1"
BOARD = TARGET.model_copy(update={"device": "board", "provider": "CPUExecutionProvider"})
HOW = Protocol(warmup_s=0, blocks=3, block_s=0.01)


def jobs(folder, *names):
    """Model files, named by their content."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for name in names:
        path = folder / f"{name}.onnx"
        path.write_text(name)
        subject = Subject(kind="file", name=name, sha256=sha256_of(path))
        found.append(Job(subject, path))
    return found


def session(folder, *names, device="pi", target=BOARD, purpose="profile"):
    return Session(purpose, device, target, jobs(folder, *names), HOW)


def record(subject, target=BOARD, ms=1.0):
    return Measurement(
        subject=subject,
        target=target,
        conditions=Conditions(wall_time="2026-07-01T12:00:00+00:00"),
        warmup_ns=(),
        samples_ns=((round(ms * 1e6),) * 10,) * 3,
        verdict="clean",
    )


def heartbeat(*targets):
    return Heartbeat(
        agent_version="1",
        boot_id="b",
        uptime_s=1,
        wall_time="2026-07-01T12:00:00+00:00",
        device="board",
        targets=targets,
        state="idle",
        spooled=0,
        spool_bytes=0,
    )


def answer(status, text):
    """To be read as it comes, as from a network."""
    return httpx.Response(status, content=iter([text.encode()]))


def measures(order, target=BOARD):
    """A board that measures all of an order."""
    return [record(model.subject, target) for model in order.models], []


def fails(order, kind="crash"):
    sha256 = order.models[-1].subject.sha256
    failed = FailedModel(sha256=sha256, kind=kind, detail="it died")
    return [record(model.subject) for model in order.models[:-1]], [failed]


@dataclass
class MadeUpHub:
    """Boards answer an open order when it was looked at `patience` times, by `answer`."""

    answer: object = measures
    patience: int = 1
    devices: tuple[DeviceStatus, ...] = ()
    device_state: str = "measuring"
    down: int = 0  # so many calls find nobody
    models: dict = field(default_factory=dict)
    orders: dict = field(default_factory=dict)  # (device, id) -> order
    looks: dict = field(default_factory=dict)
    calls: list = field(default_factory=list)
    state: str | None = None

    def __call__(self, request):
        path = request.url.path
        self.calls.append((request.method, path))
        if self.down:
            self.down -= 1
            raise httpx.ConnectError("connection refused")
        if request.headers["Authorization"] != "Bearer secret":
            return answer(401, json.dumps({"detail": "no such token"}))
        if path.startswith("/v1/models/"):
            body = request.read()
            assert hashlib.sha256(body).hexdigest() == path.rpartition("/")[2]
            self.models[path.rpartition("/")[2]] = body
            return httpx.Response(204)
        if path == "/v1/orders":
            return self._submit(OrderRequest.model_validate_json(request.read()))
        if path == "/v1/records":
            return self._records(request.url.params)
        if path == "/v1/devices":
            return answer(200, Devices(devices=self.devices).to_json())
        return self._status(request.url.params["device"], path.rpartition("/")[2])

    def _submit(self, asked):
        named = {model.subject.sha256 for model in asked.order.models}
        if missing := sorted(named - self.models.keys()):
            return answer(409, json.dumps({"detail": "PUT them", "missing": missing}))
        self.orders.setdefault((asked.device, asked.order.id), asked.order)
        return self._status(asked.device, asked.order.id, look=False)

    def _status(self, device, id_, look=True):
        key = (device, id_)
        if key not in self.orders:
            return answer(404, json.dumps({"detail": "no such order"}))
        self.looks[key] = self.looks.get(key, 0) + look
        records, failures = self._answered(key)
        status = OrderStatus(
            id=id_,
            device=device,
            state=self.state or ("done" if self.looks[key] > self.patience else "open"),
            models=len(self.orders[key].models),
            measured=len(records),
            failures=tuple(failures),
            device_state=self.device_state,
            last_seen="2026-07-01T12:00:00+00:00",
        )
        return answer(200, status.to_json())

    def _answered(self, key):
        done = self.looks.get(key, 0) > self.patience
        return self.answer(self.orders[key]) if done else ([], [])

    def _records(self, query):
        records, _ = self._answered((query["device"], query["order"]))
        after = int(query["after"])
        page = records[after : after + 2]
        next_ = after + len(page) if page else None
        return answer(200, Records(records=tuple(page), next=next_).to_json())

    @property
    def uploads(self):
        return sum(method == "PUT" for method, _ in self.calls)


def boards(hub, folder, **changes):
    """The way to `hub`; the token lies below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "token").write_text("secret\n")
    environ = {"EDGEFACET_HUB": URL, "EDGEFACET_HUB_TOKEN_FILE": str(folder / "token")}
    fields = {"environ": environ, "transport": httpx.MockTransport(hub), "sleep": lambda _: None}
    return Boards(**{**fields, **changes})


def info(**changes):
    """What `facet info --json` prints on a board, as far as it matters."""
    runtimes = {
        "onnxruntime": {"files": ".onnx", "version": "1.22", "problem": None},
        "litert": {"files": ".tflite", "version": None, "problem": "not installed"},
    }
    seen = {"device": "board", "power_mode": "performance", "runtimes": runtimes, "os": "Debian"}
    return json.dumps({**seen, **changes})
