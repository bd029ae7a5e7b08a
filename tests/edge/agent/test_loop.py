"""The rows of the fault table, one after the other; nothing is really measured here."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest

from edge.agent import loop, work
from edge.agent.database import read_only
from edge.agent.items import Standing
from edge.agent.orders import KnownOrders
from edge.agent.spool import MIN_CAP_BYTES, Spool, look
from edge.agent.state import State
from edge.agent.status import Status
from edge.hub_api import HeartbeatAnswer, OpenOrders
from edge.orders import Order
from edge.session import Result
from tests.edge.agent.boards import (
    URL,
    WEEK_S,
    Hub,
    Time,
    agent,
    answer,
    measured,
    order,
    record,
    refusing,
    run_once,
    sha256,
)


@pytest.fixture(autouse=True)
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Order, Mapping[str, Any]]]:
    """Every order that was measured, and how."""
    seen = []

    def carry_out(order: Order, files: Mapping[str, Path], **how: Any) -> list[Result]:
        seen.append((order, how))
        return measured(order, files)

    monkeypatch.setattr(work, "carry_out", carry_out)
    return seen


@pytest.fixture
def hub() -> Hub:
    return Hub()


def status(folder: Path) -> Status:
    return Status.read(folder / "state/status.json")


def test_an_order_is_fetched_measured_and_reported(tmp_path: Path, hub: Hub) -> None:
    made = hub.offer(b"one", b"two", b"oom three")
    assert run_once(hub, tmp_path)
    assert [r.subject.name for r in hub.records.values()] == ["one", "two"]
    (failure,) = hub.failures.values()
    assert (failure.sha256, failure.kind) == (sha256(b"oom three"), "oom")
    assert {report.order for report in hub.reports} == {made.id}
    assert [beat.state for beat in hub.beats] == ["idle", "measuring", "idle"]


def test_what_waits_goes_before_new_orders_are_asked_for(tmp_path: Path, hub: Hub) -> None:
    """Otherwise an order that waits to be reported would be measured again."""
    hub.offer(b"one")
    run_once(hub, tmp_path)
    report, orders = "POST /v1/reports", "GET /v1/orders"
    assert [call for call in hub.calls if call in (report, orders)] == [orders, report, orders]


def test_nothing_to_do_is_one_call(tmp_path: Path, hub: Hub) -> None:
    assert run_once(hub, tmp_path)
    assert hub.calls == ["POST /v1/heartbeat", "GET /v1/orders"]


def test_the_hub_says_how_often_within_reason(tmp_path: Path, hub: Hub) -> None:
    for asked_s, lowest_s, highest_s in ((300, 240, 300), (1e-9, 0.8, 1.0), (1e9, 720, 900)):
        hub.override["/v1/heartbeat"] = lambda _, s=asked_s: answer(
            HeartbeatAnswer(poll_s=s).to_json()
        )
        with agent(hub, tmp_path, time := Time()) as board:
            board.turn()
            time.now_s += board.wait_s()
            while time.now_s < lowest_s:
                board.turn()
                time.now_s += board.wait_s()
            assert lowest_s <= time.now_s <= highest_s


def test_an_outage_of_a_week_loses_and_doubles_nothing(tmp_path: Path, hub: Hub) -> None:
    hub.offer(b"one", b"two")
    hub.offer(b"three")
    time = Time(until_s=WEEK_S)
    with agent(hub, tmp_path, time, poll_s=900) as board:
        board._call()
        hub.override["/v1/reports"] = refusing(503)
        board.turn()
        board.turn()
        hub.away = True
        hub.calls.clear()
        board.run()
    assert len(hub.calls) == pytest.approx(WEEK_S / 450, rel=0.1)  # 15 min with full jitter
    assert hub.records == {}
    hub.away = False
    hub.override.clear()
    time.until_s = float("inf")
    assert run_once(hub, tmp_path, time)
    assert sorted(r.subject.name for r in hub.records.values()) == ["one", "three", "two"]
    assert sum(len(report.records) for report in hub.reports) == 3


def test_an_outage_of_a_week_fills_a_spool_and_no_more(tmp_path: Path, hub: Hub) -> None:
    """An application leaves 2000 runs every ten minutes, 1008 times: more than even thinned ones
    have room. All that is kept arrives, what has few samples first."""
    folder = tmp_path / "state/inbox"
    standings: list[Standing] = []

    def leave(n: int) -> None:
        path = drop(
            tmp_path,
            json.dumps({**LINE, "name": f"run-{n}", "latency_ms": [1.0 + n / 1e4] * 2000}) + "\n",
        )
        path.rename(folder / f"{n}.jsonl")

    hub.away = True
    time = Time()
    with agent(hub, tmp_path, time, poll_s=600, spool_cap_bytes=MIN_CAP_BYTES) as board:
        for n in range(1008):
            leave(n)
            board.turn()
            standings.append(board._standing())
            time.now_s += 600
    assert max(standing.waiting_bytes for standing in standings) <= MIN_CAP_BYTES
    kept, dropped = standings[-1].waiting, standings[-1].dropped
    assert (kept + dropped, standings[-1].thinned) == (1008, 1008 - full_ones(tmp_path))
    assert dropped > 0
    hub.away = False
    assert run_once(hub, tmp_path, time, spool_cap_bytes=MIN_CAP_BYTES)
    arrived = [record for report in hub.reports for record in report.records]
    assert sorted(int(r.subject.name[4:]) for r in arrived) == list(range(1008 - kept, 1008))
    runs = [sum(map(len, record.samples_ns)) for record in arrived]
    assert runs == sorted(runs)


def full_ones(folder: Path) -> int:
    with closing(read_only(folder / "state/spool.sqlite")) as database:
        return int(database.execute("SELECT count(*) FROM items WHERE thin = 0").fetchone()[0])


def test_it_starts_without_its_hub(tmp_path: Path, hub: Hub) -> None:
    """Orders and models are on the disk since the last start."""
    hub.offer(b"one")
    with agent(hub, tmp_path, Time()) as board:
        board._call()
        board._open()
        for one in board._orders:
            board._work.prepare(board._client, one)
    hub.away = True
    assert not run_once(hub, tmp_path)
    assert look(tmp_path / "state/spool.sqlite")[0].waiting == 1


def test_the_spool_stays_within_its_cap_and_summaries_arrive_first(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def carry_out(order: Order, _files: object, **_: object) -> list[Result]:
        return [record(model.subject, runs=9000) for model in order.models]  # 216 kB each

    monkeypatch.setattr(work, "carry_out", carry_out)
    hub.override["/v1/reports"] = refusing(503)
    for n in range(8):
        hub.offer(f"model {n}".encode())
    assert not run_once(hub, tmp_path, spool_cap_bytes=MIN_CAP_BYTES)
    standing = look(tmp_path / "state/spool.sqlite")[0]
    assert (standing.waiting, standing.thinned, standing.dropped) == (8, 4, 0)
    assert standing.waiting_bytes <= MIN_CAP_BYTES
    hub.override.clear()
    assert run_once(hub, tmp_path, spool_cap_bytes=MIN_CAP_BYTES)
    runs = [len(r.samples_ns[0]) for report in hub.reports for r in report.records]
    # What may have arrived is sent again first, as it was; then what is small.
    assert runs == [9000, 50, 50, 50, 50, 9000, 9000, 9000]


def test_a_hub_that_is_back_is_not_overrun(tmp_path: Path, hub: Hub) -> None:
    hub.override["/v1/heartbeat"] = refusing(429, **{"Retry-After": "600"})
    with agent(hub, tmp_path, Time()) as board:
        board.turn()
        assert board._next_call >= 600
    assert hub.calls == ["POST /v1/heartbeat"]


def test_a_model_that_is_gone_fails_and_the_others_are_measured(tmp_path: Path, hub: Hub) -> None:
    hub.offer(b"one", b"two")
    del hub.files[sha256(b"two")]
    assert run_once(hub, tmp_path)
    assert [r.subject.name for r in hub.records.values()] == ["one"]
    assert [f.kind for f in hub.failures.values()] == ["gone"]


def test_a_model_that_was_altered_is_never_opened(
    tmp_path: Path, hub: Hub, sessions: list[tuple[Order, Any]]
) -> None:
    hub.offer(b"one")
    hub.files[sha256(b"one")] = b"eno"
    assert run_once(hub, tmp_path)
    assert [f.kind for f in hub.failures.values()] == ["altered"]
    assert sessions == []
    assert list((tmp_path / "state/models").iterdir()) == []


def test_half_a_download_waits_for_the_hub_and_holds_up_no_other_order(
    tmp_path: Path, hub: Hub
) -> None:
    first, _ = hub.offer(b"one"), hub.offer(b"two")
    whole = hub._send

    def cut(request: httpx.Request) -> httpx.Response:
        return answer(b"o") if request.url.path.endswith(sha256(b"one")) else whole(request)

    hub.override["/v1/models"] = cut
    assert not run_once(hub, tmp_path)
    assert [r.subject.name for r in hub.records.values()] == ["two"]
    hub.override.clear()
    assert run_once(hub, tmp_path, Time(now_s=3600))
    assert {report.order for report in hub.reports} >= {first.id}
    assert len(hub.records) == 2


def test_downloads_that_always_fail_are_left_alone_for_longer_and_longer(
    tmp_path: Path, hub: Hub
) -> None:
    hub.offer(b"one")
    hub.override["/v1/models"] = refusing(500)
    with agent(hub, tmp_path, Time(until_s=WEEK_S), poll_s=900) as board:
        board.run()
    tries = sum(call.startswith("GET /v1/models") for call in hub.calls)
    assert WEEK_S / 1800 <= tries <= WEEK_S / 600


def test_a_hub_that_limits_calls_still_gives_all_models(tmp_path: Path, hub: Hub) -> None:
    models = [f"model {n}".encode() for n in range(60)]
    hub.offer(*models)
    send, calls = hub._send, []

    def limited(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path)
        return refusing(429)(request) if len(calls) % 10 == 0 else send(request)

    hub.override["/v1/models"] = limited
    time = Time(until_s=24 * 3600.0)
    with agent(hub, tmp_path, time) as board:
        while not hub.records:
            if not board.turn():
                time.wait(board.wait_s())
    assert time.now_s < 1000  # a limit is no outage: the waits do not grow
    assert len(calls) == 60 + 6


def test_an_order_that_comes_again_after_its_results_were_refused_is_measured_again(
    tmp_path: Path, hub: Hub
) -> None:
    """A restored hub does not know the order, refuses the report, and is asked for it again."""
    made = hub.offer(b"one", b"oom two")
    hub.override["/v1/reports"] = refusing(422, "the order is none of this device")
    with agent(hub, tmp_path, time := Time()) as board:
        board.turn()
        hub.orders.clear()
        board.turn()
        assert (board._standing().waiting, board._standing().dead) == (0, 2)
        hub.override.clear()
        hub.orders.append(made)
        time.now_s += 60
        assert board.run(once=True)
    assert look(tmp_path / "state/spool.sqlite")[0].dead == 0
    assert [r.subject.name for r in hub.records.values()] == ["one"]
    assert [f.kind for f in hub.failures.values()] == ["oom"]


def test_a_hub_that_refuses_what_it_asks_for_keeps_no_board_busy(
    tmp_path: Path, hub: Hub, sessions: list[tuple[Order, Any]]
) -> None:
    hub.offer(b"one")
    hub.override["/v1/reports"] = refusing(422, "not a report: unknown version")
    with agent(hub, tmp_path, Time(until_s=24 * 3600.0), poll_s=900) as board:
        board.run()
    assert look(tmp_path / "state/spool.sqlite")[0].dead == 1
    assert len(sessions) == pytest.approx(25, abs=2)


def test_a_redirect_is_no_answer(tmp_path: Path, hub: Hub) -> None:
    hub.offer(b"one")
    hub.override["/v1/models"] = lambda _: answer(b"", 302, {"Location": "http://evil.example/"})
    assert not run_once(hub, tmp_path)
    assert hub.records == {}


@pytest.mark.parametrize("body", [b"garbage", b"{}", b'{"orders": [{"version": 2}]}', b"[" * 9999])
def test_garbage_instead_of_orders_stops_nothing(tmp_path: Path, hub: Hub, body: bytes) -> None:
    with agent(hub, tmp_path, time := Time()) as board:
        hub.override["/v1/orders"] = lambda _: answer(body)
        board.turn()
        assert "no answer of a hub" in str(board._status.problem)
        hub.override.clear()
        hub.offer(b"one")
        time.now_s += 10
        board.run(once=True)
    assert len(hub.records) == 1


def test_that_it_works_is_said_once_until_it_does_not(
    tmp_path: Path, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="edge.agent")
    time = Time()
    with agent(hub, tmp_path, time, poll_s=10) as board:
        for override in ({}, {}, {"/v1/orders": refusing(503)}, {}):
            hub.override = dict(override)
            time.now_s += 900
            board.turn()
    said = [record.getMessage() for record in caplog.records]
    assert said[0] == said[2] == f"connected to {URL}; no open orders"
    assert said[1].startswith("/v1/orders: HTTP 503")
    assert len(said) == 3


def test_a_token_that_is_revoked_keeps_all_and_asks_seldom(tmp_path: Path, hub: Hub) -> None:
    hub.offer(b"one")
    hub.override["/v1/reports"] = refusing(403)
    time = Time(until_s=24 * 3600.0)
    with agent(hub, tmp_path, time, poll_s=900) as board:
        board.run()
    assert "facet hub add-device" in str(status(tmp_path).problem)
    assert look(tmp_path / "state/spool.sqlite")[0].waiting == 1
    assert sum(call == "POST /v1/reports" for call in hub.calls) <= 24 * 3600 / 450 + 1
    hub.override.clear()
    assert run_once(hub, tmp_path)
    assert len(hub.records) == 1


def test_quarantined_it_reports_that_it_lives_and_nothing_else(tmp_path: Path, hub: Hub) -> None:
    hub.offer(b"one")
    hub.quarantined = "two boards use this token"
    run_once(hub, tmp_path)
    assert hub.calls == ["POST /v1/heartbeat"]
    assert status(tmp_path).quarantined == "two boards use this token"
    hub.quarantined = None
    assert run_once(hub, tmp_path)
    assert len(hub.records) == 1


def test_a_damaged_spool_is_replaced_and_said_so(tmp_path: Path, hub: Hub) -> None:
    hub.offer(b"one")
    (tmp_path / "state").mkdir()
    (tmp_path / "state/spool.sqlite").write_bytes(b"\xff" * 5000)
    assert run_once(hub, tmp_path)
    assert status(tmp_path).damaged_spool == str(tmp_path / "state/spool.sqlite.damaged")
    assert len(hub.records) == 1


def test_leftovers_are_discarded(tmp_path: Path, hub: Hub) -> None:
    part = tmp_path / "state/models" / f"{sha256(b'one')}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"???")
    hub.offer(b"one")
    assert run_once(hub, tmp_path)
    assert not part.exists()
    assert len(hub.records) == 1


def test_orders_are_fetched_although_the_hub_breaks_down_over_a_report(
    tmp_path: Path, hub: Hub
) -> None:
    hub.offer(b"one")
    hub.override["/v1/reports"] = refusing(500)
    time = Time()
    assert not run_once(hub, tmp_path, time)
    hub.offer(b"two")
    hub.calls.clear()
    assert not run_once(hub, tmp_path, time)
    assert f"GET /v1/models/{sha256(b'two')}" in hub.calls
    assert "HTTP 500" in str(status(tmp_path).problem)
    hub.override.clear()
    assert run_once(hub, tmp_path, time)
    assert sorted(r.subject.name for r in hub.records.values()) == ["one", "two"]


# A full or a read-only disk


def test_a_full_disk_takes_no_orders_and_says_so(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.offer(b"one")
    monkeypatch.setattr(State, "free_bytes", lambda _: 1 << 20)
    run_once(hub, tmp_path, min_free_bytes=2 << 20)
    assert [beat.state for beat in hub.beats] == ["full"]
    assert hub.calls == ["POST /v1/heartbeat"]
    assert "the disk takes nothing more: less than 2 MiB are free" in str(status(tmp_path).problem)
    monkeypatch.setattr(State, "free_bytes", lambda _: 1 << 30)
    assert run_once(hub, tmp_path, min_free_bytes=2 << 20)
    assert len(hub.records) == 1


def test_a_full_disk_still_sends_what_waits(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.offer(b"one")
    hub.override["/v1/reports"] = refusing(503)
    run_once(hub, tmp_path)
    hub.override.clear()
    monkeypatch.setattr(State, "free_bytes", lambda _: 0)
    run_once(hub, tmp_path, Time(now_s=3600), min_free_bytes=1 << 20)
    assert len(hub.records) == 1
    assert not (tmp_path / "state/reserve").exists()


def test_an_order_that_does_not_fit_leaves_the_disk_as_it_is(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.offer(bytes(b"x" * 5000))
    monkeypatch.setattr(State, "free_bytes", lambda _: 6000)
    assert not run_once(hub, tmp_path, min_free_bytes=2000)
    assert not any(call.startswith("GET /v1/models") for call in hub.calls)
    assert status(tmp_path).state == "full"


def test_models_of_the_past_make_room_on_a_small_disk(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_disk(monkeypatch, 10_000)
    for letter in b"abc":
        hub.offer(bytes([letter]) * 4000)
        assert run_once(hub, tmp_path, min_free_bytes=1000)
    assert len(hub.records) == 3
    small_disk(monkeypatch, 8500)  # another program took the rest
    assert run_once(hub, tmp_path, min_free_bytes=1000)


def test_an_order_that_does_not_fit_holds_up_no_other(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_disk(monkeypatch, 10_000)
    hub.offer(b"large" * 2000)
    hub.offer(b"small")
    assert not run_once(hub, tmp_path, min_free_bytes=1000)
    assert [r.subject.name for r in hub.records.values()] == ["small"]
    assert "1 MiB of that are not to be had" in str(status(tmp_path).problem)


def small_disk(monkeypatch: pytest.MonkeyPatch, size_bytes: int) -> None:
    """Only the models take room on it."""

    def free_bytes(state: State) -> int:
        files = (path for path in state.models.rglob("*") if path.is_file())
        return size_bytes - sum(path.stat().st_size for path in files)

    monkeypatch.setattr(State, "free_bytes", free_bytes)


def test_a_disk_that_fills_up_while_it_measures(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.offer(b"one")

    def full(*_: object, **__: object) -> list[Result]:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(work, "carry_out", full)
        assert not run_once(hub, tmp_path)
    assert hub.records == {}
    assert run_once(hub, tmp_path)
    assert len(hub.records) == 1


def test_the_reserve_is_room_for_a_last_report(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.offer(b"one")
    add = Spool.add

    def tight(spool: Spool, items: Any) -> None:
        if (tmp_path / "state/reserve").exists():
            raise sqlite3.OperationalError("database or disk is full")
        add(spool, items)

    monkeypatch.setattr(Spool, "add", tight)
    assert run_once(hub, tmp_path)
    assert len(hub.records) == 1


def test_a_read_only_disk(tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.offer(b"one")

    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(loop, "Spool", read_only)
    monkeypatch.setattr("edge.agent.status.write_atomic", read_only)
    assert not run_once(hub, tmp_path)
    assert [(beat.state, beat.spooled) for beat in hub.beats] == [("full", 0)]
    assert hub.records == {}


# Models that kill, boards that are hot


class Dead(BaseException):
    """As SIGKILL or a power cut."""


def test_three_starts_that_die_on_one_model_block_it(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.offer(b"one", b"two", b"killer")
    alone, dying = [], []
    starts = tmp_path / "state/starts.json"

    def carry_out(order: Order, files: Mapping[str, Path], **_: Any) -> list[Result]:
        names = [model.subject.name for model in order.models]
        alone.extend(names if len(names) == 1 else [])
        if "killer" in names:
            dying.append(starts.read_bytes())
            raise Dead
        return measured(order, files)

    monkeypatch.setattr(work, "carry_out", carry_out)
    for _ in range(3):
        with pytest.raises(Dead):
            run_once(hub, tmp_path)
        starts.write_bytes(dying[-1])  # what the agent wrote after its death, it did not write
    assert alone == ["one", "two", "killer"] * 2
    assert run_once(hub, tmp_path)
    assert sorted(r.subject.name for r in hub.records.values()) == ["one", "two"]
    (failure,) = hub.failures.values()
    assert (failure.sha256, failure.kind) == (sha256(b"killer"), "crash")
    assert failure.detail == "it killed 3 starts of the agent"


def sysroot(folder: Path, milli_c: int) -> Path:
    zone = folder / "sys/class/thermal/thermal_zone0"
    zone.mkdir(parents=True, exist_ok=True)
    (zone / "type").write_text("cpu-thermal\n")
    (zone / "temp").write_text(f"{milli_c}\n")
    return folder


def test_a_hot_board_is_waited_for(tmp_path: Path, hub: Hub) -> None:
    root = sysroot(tmp_path / "root", 80_000)
    hub.offer(b"one")

    class Cooling(Time):
        def wait(self, timeout: float) -> bool:
            sysroot(root, 80_000 if self.now_s < 100 else 60_000)
            return super().wait(timeout)

    assert run_once(hub, tmp_path, time := Cooling(), root=root)
    assert 100 <= time.now_s < 130
    assert [r.verdict for r in hub.records.values()] == ["clean"]
    assert "cooling" in [beat.state for beat in hub.beats]


def test_after_ten_minutes_it_measures_and_doubts(tmp_path: Path, hub: Hub) -> None:
    root = sysroot(tmp_path / "root", 81_500)
    hub.offer(b"one")
    assert run_once(hub, tmp_path, time := Time(), root=root)
    assert 600 <= time.now_s < 620
    (found,) = hub.records.values()
    assert found.verdict == "suspect"
    assert found.reasons == ("the device was at 82 °C, and waiting 10 min did not help",)


@pytest.mark.parametrize(("battery", "verdict"), [("Discharging", "suspect"), ("Full", "clean")])
def test_a_board_on_its_battery_is_doubted(
    tmp_path: Path, hub: Hub, battery: str, verdict: str
) -> None:
    hub.offer(b"one")
    supply = tmp_path / "root/sys/class/power_supply/BAT0"
    supply.mkdir(parents=True)
    (supply / "status").write_text(f"{battery}\n")
    assert run_once(hub, tmp_path, root=tmp_path / "root")
    (record,) = hub.records.values()
    assert record.verdict == verdict
    assert ("the device ran on its battery" in record.reasons) == (verdict == "suspect")


def test_a_sensor_that_talks_nonsense(tmp_path: Path, hub: Hub) -> None:
    root = sysroot(tmp_path / "root", -999_000)
    assert run_once(hub, tmp_path, root=root)
    assert hub.beats[0].temperature_c is None


def test_the_clock_may_jump(tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but what is shown to people comes from the time of day."""
    walls = iter([4e9, 0.0] * 1000)
    monkeypatch.setattr(Time, "wall", lambda _: next(walls))
    hub.offer(b"one")
    time = Time(until_s=3600.0)
    with agent(hub, tmp_path, time) as board:
        board.run()
    assert len(hub.records) == 1
    assert 60 <= len(time.waits) <= 75  # a minute, or a little less


def test_a_protocol_is_bounded_by_memory(
    tmp_path: Path, hub: Hub, sessions: list[tuple[Order, Any]]
) -> None:
    hub.offer(b"one", b"two", how={"blocks": 100, "max_runs": None})
    run_once(hub, tmp_path, memory_limit_bytes=123)
    ((ordered, how),) = sessions
    assert ordered.how.max_runs == 4_000_000 // 200
    assert how["memory_limit_bytes"] == 123


def test_an_order_larger_than_the_cache_is_refused(tmp_path: Path, hub: Hub) -> None:
    hub.offer(b"x" * 600_000, b"y" * 600_000)
    assert run_once(hub, tmp_path, cache_cap_bytes=1 << 20)
    assert {f.kind for f in hub.failures.values()} == {"rejected"}
    assert not any(call.startswith("GET /v1/models") for call in hub.calls)


# The inbox


LINE = {
    "name": "app",
    "sha256": "a" * 64,
    "runtime": "litert",
    "runtime_version": "2.0",
    "provider": "CPU",
    "precision": "int8",
    "threads": 1,
    "latency_ms": [1.0] * 200,
}


def drop(folder: Path, content: str = "") -> Path:
    inbox = folder / "state/inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    path = inbox / "app.jsonl"
    path.write_text(content or json.dumps(LINE) + "\n")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def test_applications_own_times_are_reported_without_an_order(tmp_path: Path, hub: Hub) -> None:
    path = drop(tmp_path)
    assert run_once(hub, tmp_path)
    (report,) = hub.reports
    assert report.order is None
    assert report.records[0].subject.name == "app"
    assert not path.exists()
    assert status(tmp_path).inbox_records == 1


def test_a_file_stays_until_what_it_held_is_in_the_spool(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drop(tmp_path)

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Spool, "add", full)
        run_once(hub, tmp_path)
    assert path.exists()
    assert run_once(hub, tmp_path)
    assert len(hub.records) == 1


def test_a_hostile_file_is_removed_and_said_so(tmp_path: Path, hub: Hub) -> None:
    path = drop(tmp_path, "\x1b[2J{{{{\n")
    assert run_once(hub, tmp_path)
    assert not path.exists()
    assert status(tmp_path).inbox_problems == 1
    assert "line 1" in str(status(tmp_path).inbox_last_problem)


# Stopping


def test_told_to_stop_it_ends_between_blocks_and_counts_no_death(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.offer(b"one")
    blocks = []

    def carry_out(order: Order, files: Mapping[str, Path], **how: Any) -> list[Result]:
        for n in range(10):
            how["progress"]("measuring", n, 10)
            blocks.append(n)
            time.now_s += 1
        return measured(order, files)

    monkeypatch.setattr(work, "carry_out", carry_out)
    time = Time(until_s=3)
    with agent(hub, tmp_path, time) as board:
        board.run()
    assert blocks == [0, 1, 2]
    assert hub.records == {}
    assert json.loads((tmp_path / "state/starts.json").read_text())["run"]["running"] is None
    time.until_s = float("inf")
    assert run_once(hub, tmp_path, time)
    assert len(hub.records) == 1


def test_it_says_that_it_lives_between_blocks(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.offer(b"one")

    def carry_out(order: Order, files: Mapping[str, Path], **how: Any) -> list[Result]:
        for n in range(10):
            time.now_s += 30
            hub.away = n == 5  # what goes wrong here disturbs nothing
            how["progress"]("measuring", n, 10)
        hub.away = False
        return measured(order, files)

    monkeypatch.setattr(work, "carry_out", carry_out)
    time = Time()
    assert run_once(hub, tmp_path, time)
    assert [beat.state for beat in hub.beats].count("measuring") == 5  # at 0, 60, 120, 240, 300 s


def orders_file(folder: Path) -> tuple[Order, ...]:
    return OpenOrders.model_validate_json((folder / "state/orders.json").read_bytes()).orders


def test_an_order_that_is_spooled_is_known_no_more(tmp_path: Path, hub: Hub) -> None:
    hub.offer(b"one")
    hub.override["/v1/reports"] = refusing(503)
    run_once(hub, tmp_path)
    assert orders_file(tmp_path) == ()


def test_what_was_measured_before_two_kills_is_not_measured_again(
    tmp_path: Path, hub: Hub, sessions: list[tuple[Order, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One kill before the order is forgotten, one before the hub could say that it is done."""

    def die(*_: object) -> NoReturn:
        raise Dead

    hub.offer(b"one")
    with monkeypatch.context() as patch:
        patch.setattr(KnownOrders, "remove", die)
        with pytest.raises(Dead):
            run_once(hub, tmp_path)
    hub.override["/v1/orders"] = die
    with pytest.raises(Dead):
        run_once(hub, tmp_path)
    assert len(hub.records) == 1
    hub.away = True
    assert not run_once(hub, tmp_path)
    assert len(sessions) == 1


def test_a_start_removes_the_journals_of_orders_that_are_no_more(tmp_path: Path, hub: Hub) -> None:
    """Those that were cancelled, or in the spool when a kill came; not what is under way."""
    made, gone = hub.offer(b"one"), order(b"two")
    hub.override["/v1/models"] = refusing(503)
    run_once(hub, tmp_path)
    journals = tmp_path / "state/journals"
    journals.mkdir()
    for one in (made, gone):
        (journals / f"{one.id}.{'0' * 12}").write_text("")
    run_once(hub, tmp_path)
    assert [path.name.partition(".")[0] for path in journals.iterdir()] == [made.id]


def test_an_order_that_a_hub_cancels_is_forgotten(tmp_path: Path, hub: Hub) -> None:
    hub.orders = [order(b"one")]
    hub.override["/v1/models"] = refusing(503)
    run_once(hub, tmp_path)
    assert len(orders_file(tmp_path)) == 1
    hub.orders = []
    run_once(hub, tmp_path)
    assert orders_file(tmp_path) == ()
