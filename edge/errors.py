"""The one family of errors EdgeFacet raises on purpose.

Every message names what is wrong and what to do next. Subclasses also derive from the
builtin a caller would expect, so ``except KeyError`` keeps working.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

_MOST_PROBLEMS = 10_000  # that are looked through for the first


class EdgeError(Exception):
    """Base of every error that EdgeFacet raises on purpose."""

    def __str__(self) -> str:  # KeyError would print the repr of its message
        return str(self.args[0]) if self.args else type(self).__name__


class MissingExtra(EdgeError, ImportError):
    """The packages of an extra that this takes are not installed."""


def first_problem(error: ValidationError, whole: str) -> str:
    """Where in the data and what: ``rows.0.block: Field required``. `whole` names the data itself,
    for what is wrong with no field of it."""
    if error.error_count() > _MOST_PROBLEMS:  # pydantic tells all or none
        return f"{whole}: {error.error_count()} problems"
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"])) or whole
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"
