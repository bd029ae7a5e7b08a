"""The operator's end of the wire: models and orders go to the hub, records come back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from pydantic import ValidationError

from edge.agent.client import HubAway, HubClient, HubForbids, HubRefuses
from edge.agent.unreachable import why
from edge.errors import EdgeError
from edge.hub_api import Devices, Excluded, OrderRequest, OrderStatus, Problem, Records
from edge.orders import Order
from edge.record import Measurement
from edge.text import printable

if TYPE_CHECKING:
    import httpx

_CHUNK_BYTES = 1 << 20
_PAGE_BYTES = 64 << 20  # a hub ends a page of records after half of that
_PAGE_RECORDS = 500
_STATUS_BYTES = 16 << 20  # with the failures of an order of 2000 models
_REASON_CHARACTERS = 500


class ModelsMissing(EdgeError, LookupError):
    """The hub lacks model files that an order names; `missing` are their sha256."""

    def __init__(self, message: str, missing: tuple[str, ...]) -> None:
        super().__init__(message)
        self.missing = missing


class Operator(HubClient):
    """Calls one hub with an operator's token, as a context manager.

    Every call raises HubAway, HubForbids or HubRefuses, as those of a board do.
    """

    def __enter__(self) -> Operator:
        return self

    def upload(self, sha256: str, path: Path) -> None:
        """Bring a model file; bringing it again changes nothing. Raises OSError."""
        import httpx

        where = f"/v1/models/{sha256}"
        try:
            with (
                path.open("rb") as file,
                self._http.stream(
                    "PUT", where, content=iter(lambda: file.read(_CHUNK_BYTES), b"")
                ) as response,
            ):
                self._check(response, where)
        except httpx.RequestError as error:
            raise HubAway(why(error, self.url)) from error

    def submit(self, device: str, order: Order) -> OrderStatus:
        """Order something of a device; the same order again is the same job.

        Raises ModelsMissing.
        """
        content = OrderRequest(device=device, order=order).to_json()
        return self._ask(
            OrderStatus, "POST", "/v1/orders", content=content, max_bytes=_STATUS_BYTES
        )

    def cancel(self, device: str, order_id: str) -> OrderStatus:
        """Ask no more for what is not measured yet; ordered again, it is open for all of that."""
        return self._ask(
            OrderStatus, "DELETE", _order_path(device, order_id), max_bytes=_STATUS_BYTES
        )

    def status(self, device: str, order_id: str) -> OrderStatus:
        """How far the device is with the order."""
        return self._ask(OrderStatus, "GET", _order_path(device, order_id), max_bytes=_STATUS_BYTES)

    def records(self, after: int = 0, limit: int = _PAGE_RECORDS, **only: str) -> Records:
        """At most `limit` records behind the arrival number `after`, of one `order` or `device`
        only."""
        query = urlencode({**only, "after": after, "limit": limit})
        return self._ask(Records, "GET", f"/v1/records?{query}", max_bytes=_PAGE_BYTES)

    def records_of(self, device: str, order_id: str) -> Iterator[Measurement]:
        """All records of an order that have arrived, in that order."""
        after: int | None = 0
        while after is not None:
            page = self.records(after, order=order_id, device=device)
            yield from page.records
            after = page.next

    def excluded(self) -> Iterator[str]:
        """Ids of all records that the hub tells nobody any more."""
        after: int | None = 0
        while after is not None:
            page = self._ask(
                Excluded, "GET", f"/v1/excluded?after={after}", max_bytes=_STATUS_BYTES
            )
            yield from page.ids
            after = page.next

    def devices(self) -> Devices:
        """All devices, and how they are."""
        return self._ask(Devices, "GET", "/v1/devices", max_bytes=_STATUS_BYTES)

    def _check(self, response: httpx.Response, path: str) -> None:
        if response.status_code == 409:
            raise self._conflict(response)
        try:
            super()._check(response, path)
        except HubForbids as error:
            raise HubForbids(
                f"the hub at {self.url} does not take the token (HTTP {response.status_code}): "
                "it must be one that `facet hub add-operator` showed"
            ) from error

    def _conflict(self, response: httpx.Response) -> EdgeError:
        body = bytearray()
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > _STATUS_BYTES:
                break
        try:
            problem = Problem.model_validate_json(bytes(body))
        except ValidationError:
            return HubAway("HTTP 409, and no answer of a hub")
        said = printable(problem.detail)[:_REASON_CHARACTERS]
        if problem.missing:
            return ModelsMissing(said, problem.missing)
        return HubRefuses(said, 409)


def _order_path(device: str, order_id: str) -> str:
    return f"/v1/orders/{order_id}?{urlencode({'device': device})}"
