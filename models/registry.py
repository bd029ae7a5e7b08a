"""What params.yaml names: a dict, and a decorator that adds to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(dict[str, T], Generic[T]):
    """Things of one kind by their names, each given once. `kind` is for messages."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind

    def register(self, name: str) -> Callable[[T], T]:
        """A decorator that keeps what it decorates under `name`. Raises ValueError for a name that
        is taken."""

        def add(thing: T) -> T:
            if name in self:
                raise ValueError(f"{self._kind} {name!r} is registered twice")
            self[name] = thing
            return thing

        return add
