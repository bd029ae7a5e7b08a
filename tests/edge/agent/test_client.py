from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator

import httpx
import pytest

from edge.agent.address import HubAddress
from edge.agent.client import HubAway, HubClient, HubForbids, HubRefuses
from edge.hub_api import Problem, Report, ReportAnswer
from tests.edge.agent.boards import Handler, Hub, Time, answer, client, record, refusing

REPORT = Report(records=(record(),))


def always(response: httpx.Response) -> Handler:
    return lambda _request: response


def test_a_report_has_arrived_when_the_hub_says_so() -> None:
    hub = Hub()
    with client(hub) as to_hub:
        assert to_hub.report(REPORT) == ReportAnswer(id=REPORT.id, new=1, known=0)
        assert to_hub.report(REPORT) == ReportAnswer(id=REPORT.id, new=0, known=1)
    assert list(hub.records.values()) == [record()]


def test_an_acknowledgement_of_another_report_is_none() -> None:
    other = ReportAnswer(id="0" * 64, new=1, known=0)
    with client(always(answer(other.to_json()))) as hub, pytest.raises(HubAway, match="another"):
        hub.report(REPORT)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again(status: int) -> None:
    with client(refusing(status)) as hub, pytest.raises(HubAway, match=f"HTTP {status}"):
        hub.orders()


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_not_taken(status: int) -> None:
    with client(refusing(status)) as hub, pytest.raises(HubForbids, match="facet hub add-device"):
        hub.orders()


@pytest.mark.parametrize("status", [400, 404, 409, 413, 422])
def test_what_will_never_be_taken(status: int) -> None:
    with client(refusing(status, "why")) as hub, pytest.raises(HubRefuses, match="why") as caught:
        hub.report(REPORT)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120.0),
        ({}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        (
            {
                "Retry-After": "Wed, 01 Jul 2026 12:00:30 GMT",
                "Date": "Wed, 01 Jul 2026 12:00:00 GMT",
            },
            30.0,
        ),
        ({"Retry-After": "Wed, 01 Jul 2026 12:00:30 GMT"}, None),
    ],
)
def test_the_hub_says_when_to_come_back(headers: dict[str, str], seconds: float | None) -> None:
    with client(always(answer("{}", 429, headers))) as hub, pytest.raises(HubAway) as caught:
        hub.orders()
    assert caught.value.retry_after_s == seconds


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>log in</html>", b"{}", b"[]", b'{"orders": [{}]}', b"\xff\xfe", b"[" * 10_000],
)
def test_what_is_no_answer_of_a_hub_is_as_good_as_none(body: bytes) -> None:
    with client(always(answer(body))) as hub, pytest.raises(HubAway, match="no answer of a hub"):
        hub.orders()


def test_a_redirect_is_not_followed_and_the_token_goes_nowhere() -> None:
    seen = []

    def elsewhere(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        return answer(b"", 302, {"Location": "http://evil.example/v1/orders"})

    with client(elsewhere) as hub, pytest.raises(HubAway, match="elsewhere"):
        hub.orders()
    assert seen == ["127.0.0.1"]


def test_plain_http_asks_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy, socket.socket() as nobody:
        proxy.setblocking(False)
        nobody.bind(("127.0.0.1", 0))
        for name in ("http_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        address = HubAddress(f"http://127.0.0.1:{nobody.getsockname()[1]}")
        with HubClient(address, "token") as hub, pytest.raises(HubAway, match="refused"):
            hub.orders()
        with pytest.raises(BlockingIOError):  # nobody came
            proxy.accept()


def test_an_endless_answer_is_cut_off() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield bytes(100_000)

    with (
        client(lambda _: httpx.Response(200, content=endless())) as hub,
        pytest.raises(HubAway, match="more than 1 MiB"),
    ):
        hub.report(REPORT)
    with (
        client(lambda _: httpx.Response(500, content=endless())) as hub,
        pytest.raises(HubAway, match="HTTP 500"),
    ):
        hub.report(REPORT)


def test_an_answer_that_drips_is_cut_off() -> None:
    time = Time()

    def drips() -> Iterator[bytes]:
        while True:
            time.now_s += 20
            yield b" "

    with (
        client(lambda _: httpx.Response(200, content=drips()), time) as hub,
        pytest.raises(HubAway, match="in 120 s"),
    ):
        hub.orders()
    assert time.now_s == 140


def test_a_large_answer_may_take_longer() -> None:
    """30 MiB at 2 Mbit/s take 126 s."""
    time = Time()

    def slow() -> Iterator[bytes]:
        for _ in range(30):
            time.now_s += 4.2
            yield b" " * (1 << 20)
        yield b'{"orders": []}'

    with client(lambda _: httpx.Response(200, content=slow()), time) as hub:
        assert hub.orders().orders == ()


def test_nothing_is_unpacked() -> None:
    bomb = gzip.compress(bytes(10_000_000))
    packed = always(answer(bomb, 200, {"Content-Encoding": "gzip"}))
    with client(packed) as hub, pytest.raises(HubAway, match="packed"):
        hub.orders()


def test_a_network_that_fails_in_the_middle() -> None:
    def cut() -> Iterator[bytes]:
        yield b"{"
        raise httpx.ReadError("connection reset")

    with (
        client(lambda _: httpx.Response(200, content=cut())) as hub,
        pytest.raises(HubAway, match="is away: connection reset"),
    ):
        hub.orders()


def test_of_a_hub_s_answer_its_words_are_shown() -> None:
    said = Problem(detail="nobody was given this token").to_json()
    with client(always(answer(said, 401))) as hub, pytest.raises(HubForbids) as caught:
        hub.orders()
    assert str(caught.value) == (
        "/v1/orders: HTTP 401: nobody was given this token: "
        "give this board a token with `facet hub add-device`"
    )


def test_what_a_hub_says_is_shown_without_control_characters() -> None:
    with client(always(answer("\x1b[2Jgone", 404))) as hub, pytest.raises(HubRefuses) as caught:
        hub.orders()
    assert str(caught.value) == "/v1/orders: HTTP 404: \ufffd[2Jgone"
