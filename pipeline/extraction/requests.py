"""The members that were asked for: which of them there are, and what to say of the others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.alpha import Alpha, Tables, Uniform
from pipeline.extraction.candidates import Candidate

_CLOSE = 1e-6  # relative: prices that went through a file


@dataclass(frozen=True)
class Request:
    """A member that the parameters ask for, at a budget or at a price, and the network found for
    it."""

    name: str
    candidate: Candidate
    budget_ms: float | None = None
    kappa: float | None = None

    @property
    def fits(self) -> bool:
        """Whether the budget, if there is one, is met."""
        return self.budget_ms is None or self.candidate.bound_ms <= self.budget_ms


def kept(requests: Sequence[Request]) -> list[Request]:
    """Those that become members: of every network the first that asks for it within its budget."""
    first: dict[str, Request] = {}
    for request in requests:
        if request.fits:
            first.setdefault(request.candidate.key, request)
    return list(first.values())


def remarks(requests: Sequence[Request], searched: tuple[float, float]) -> Iterator[str]:
    """A line per request that has no member of its own, or that is at a price outside of those that
    were `searched`."""
    names = {request.candidate.key: request.name for request in kept(requests)}
    for request in requests:
        if not request.fits:
            yield _infeasible(request)
            continue
        if request.kappa is not None and not _within(request.kappa, searched):
            low, high = searched
            yield (
                f"{request.name}: the price {request.kappa:g} is outside of the searched ones, "
                f"{low:.3g} to {high:.3g}: what α says there was never trained"
            )
        name = names[request.candidate.key]
        if name != request.name:
            yield f"{request.name} is the network of {name}, and no member of its own"


def unheard(points: Sequence[str], alpha: Alpha, method: str) -> Iterator[str]:
    """A line per named point of the simplex that says nothing to what a method learned."""
    for name in points:
        if isinstance(alpha, Uniform):
            yield f"{name}: {method} prefers nothing at any point of the simplex, and has no member"
        elif isinstance(alpha, Tables):
            yield f"{name}: {method} knows prices and no points of the simplex: only kappa decides"


def fastest_ms(requests: Sequence[Request]) -> float:
    """The lowest bound of all networks that were found."""
    return min(request.candidate.bound_ms for request in requests)


def _infeasible(request: Request) -> str:
    return (
        f"{request.name}: the budget of {request.budget_ms:g} ms cannot be met: the fastest "
        f"network needs {request.candidate.bound_ms:.4g} ms (upper bound)"
    )


def _within(kappa: float, searched: tuple[float, float]) -> bool:
    low, high = map(math.log, searched)
    return low - _CLOSE <= math.log(kappa) <= high + _CLOSE
