"""The agent's end of the wire: every answer is bounded in size and time, and nothing is believed.

No redirect is followed, and over HTTP no proxy asked, so that the token goes to the hub alone.
Nothing is unpacked: a compressed answer would have no bound.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from edge import __version__
from edge.agent.address import HubAddress
from edge.agent.unreachable import why
from edge.errors import EdgeError, first_problem
from edge.hub_api import Heartbeat, HeartbeatAnswer, OpenOrders, Problem, Report, ReportAnswer
from edge.orders import MAX_ORDER_BYTES
from edge.text import printable

_ANSWER_BYTES = 1 << 20
_ORDERS_BYTES = 2 * MAX_ORDER_BYTES
_REASON_BYTES = 16 << 10
_REASON_CHARACTERS = 500
_ANSWER_S = 120.0
_SLOW_BYTES_PER_S = 16 << 10  # a large answer may take as long as at this rate, too
_DOWNLOAD_S = 1800.0  # then it goes on with the next try: a hub that drips must not hold us
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_AGAIN_LATER = (408, 425, 429)

_Answer = TypeVar("_Answer", bound=BaseModel)


class HubAway(EdgeError, ConnectionError):
    """No answer, or none that a hub gives: to be tried again, after `retry_after_s` if it says."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class HubFails(HubAway):
    """The hub broke down over this request (HTTP 500), and may do so each time."""


class HubForbids(EdgeError, PermissionError):
    """The token is unknown, revoked, or not meant for this."""


class HubRefuses(EdgeError, ValueError):
    """The hub will never take this request as it is; `status` is its HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class HubClient:
    """Calls one hub with one token, as a context manager.

    Every call raises HubAway, HubForbids or HubRefuses. `transport` replaces the network.
    """

    def __init__(
        self,
        address: HubAddress,
        token: str,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._http = httpx.Client(
            base_url=address.url,
            verify=address.ssl_context(),
            trust_env=address.is_encrypted,  # else a proxy of the environment would get the token
            transport=transport,
            timeout=_TIMEOUT,
            follow_redirects=False,
            headers={
                "Authorization": f"Bearer {token}",
                "Accept-Encoding": "identity",
                "User-Agent": f"edgefacet/{__version__}",
            },
        )

    def __enter__(self) -> HubClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    @property
    def url(self) -> str:
        return str(self._http.base_url)

    def heartbeat(self, beat: Heartbeat) -> HeartbeatAnswer:
        """Say how we are."""
        return self._ask(HeartbeatAnswer, "POST", "/v1/heartbeat", content=beat.to_json())

    def orders(self) -> OpenOrders:
        """What is to be measured here, the oldest order first."""
        return self._ask(OpenOrders, "GET", "/v1/orders", max_bytes=_ORDERS_BYTES)

    def report(self, report: Report) -> ReportAnswer:
        """Hand over what was measured. It has arrived when this returns, and only then."""
        headers = {"Idempotency-Key": report.id}
        answer = self._ask(
            ReportAnswer, "POST", "/v1/reports", content=report.to_json(), headers=headers
        )
        if answer.id != report.id:
            raise HubAway(f"the hub acknowledged another report: {answer.id[:12]}")
        return answer

    @contextmanager
    def model(self, sha256: str, offset: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """(where they begin, bytes) of a model file, from `offset` on where the hub can do that."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        with self._open("GET", f"/v1/models/{sha256}", headers=headers) as response:
            begins = _begin(response) if response.status_code == 206 else 0
            yield begins, self._chunks(response, _DOWNLOAD_S)

    def _ask(
        self,
        kind: type[_Answer],
        method: str,
        path: str,
        *,
        content: str | None = None,
        headers: Mapping[str, str] = {},
        max_bytes: int = _ANSWER_BYTES,
    ) -> _Answer:
        body = bytearray()
        with self._open(method, path, content=content, headers=headers) as response:
            for chunk in self._chunks(response, _ANSWER_S, _SLOW_BYTES_PER_S):
                body += chunk
                if len(body) > max_bytes:
                    raise HubAway(f"{path}: an answer of more than {max_bytes >> 20} MiB")
        try:
            return kind.model_validate_json(bytes(body))
        except ValidationError as error:
            raise HubAway(
                f"{path}: no answer of a hub: {printable(first_problem(error, 'answer'))}"
            ) from error

    @contextmanager
    def _open(
        self,
        method: str,
        path: str,
        *,
        content: str | None = None,
        headers: Mapping[str, str] = {},
    ) -> Iterator[httpx.Response]:
        """A response of status 2xx, to be read."""
        if content is not None:
            headers = {**headers, "Content-Type": "application/json"}
        try:
            with self._http.stream(method, path, content=content, headers=headers) as response:
                self._check(response, path)
                yield response
        except httpx.RequestError as error:
            raise HubAway(why(error, self.url)) from error

    def _check(self, response: httpx.Response, path: str) -> None:
        status = response.status_code
        if response.is_success:
            return
        if response.is_redirect:
            raise HubAway(f"{path}: sent elsewhere, which is not followed: give the hub's address")
        said = f"{path}: HTTP {status}: {self._reason(response)}"
        if status in (401, 403):
            raise HubForbids(f"{said}: give this board a token with `facet hub add-device`")
        if 400 <= status < 500 and status not in _AGAIN_LATER:
            raise HubRefuses(said, status)
        kind = HubFails if status == 500 else HubAway
        raise kind(said, _retry_after_s(response))

    def _reason(self, response: httpx.Response) -> str:
        body = bytearray()
        for chunk in self._chunks(response, _ANSWER_S):
            body += chunk
            if len(body) > _REASON_BYTES:
                break
        try:
            said = Problem.model_validate_json(bytes(body)).detail
        except ValidationError:  # of a proxy in between
            said = body.decode(errors="replace")
        return printable(said)[:_REASON_CHARACTERS]

    def _chunks(
        self, response: httpx.Response, most_s: float, bytes_per_s: float = math.inf
    ) -> Iterator[bytes]:
        """The body as it comes; HubAway where it is packed, or takes more than `most_s` and what
        has come of it takes at `bytes_per_s`."""
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise HubAway("the hub packed its answer, which was not asked for")
        deadline = self._clock() + most_s
        for chunk in response.iter_raw():
            yield chunk
            deadline += len(chunk) / bytes_per_s
            if self._clock() > deadline:
                raise HubAway(f"the hub was not done with its answer in {most_s:g} s")


def _begin(response: httpx.Response) -> int:
    """The first number in ``Content-Range: bytes 100-199/200``."""
    unit, _, numbers = response.headers.get("Content-Range", "").partition(" ")
    first = numbers.partition("-")[0]
    if unit != "bytes" or not first.isdecimal():
        raise HubAway("a part of a model without its place")
    return int(first)


def _retry_after_s(response: httpx.Response) -> float | None:
    """In seconds, or a date, which is compared with the hub's own: our clock may be wrong."""
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value[:9])
    try:
        until, now = (
            parsedate_to_datetime(text) for text in (value, response.headers.get("Date", ""))
        )
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None
