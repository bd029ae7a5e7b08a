"""The open orders as the hub told them last, on the disk: a board may start without its hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import ValidationError

from edge.files import write_atomic
from edge.hub_api import OpenOrders
from edge.orders import Order


class KnownOrders:
    """The orders in the file `path`, oldest first; a file that cannot be read holds none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._orders = _read(path)

    def __iter__(self) -> Iterator[Order]:
        return iter(self._orders)

    def replace(self, orders: tuple[Order, ...]) -> None:
        """These are open now. Raises OSError where the disk refuses; they are known even so."""
        if orders != self._orders:
            self._orders = orders
            write_atomic(self._path, OpenOrders(orders=orders).to_json())

    def remove(self, order: Order) -> None:
        """`order` is carried out."""
        self.forget(lambda id_: id_ == order.id)

    def forget(self, done: Callable[[str], bool]) -> None:
        """Those orders are carried out whose id is `done`."""
        self.replace(tuple(order for order in self._orders if not done(order.id)))


def _read(path: Path) -> tuple[Order, ...]:
    try:
        return OpenOrders.model_validate_json(path.read_bytes()).orders
    except (OSError, ValidationError):
        return ()
