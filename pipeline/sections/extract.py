"""The extraction."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from pipeline.sections.base import AutoOr, Count, Positive, Section, Seed, Share, setting

_BY_BUDGET = "within-"


def budget_name(budget_ms: float) -> str:
    """The name of the member that a budget asks for."""
    return f"{_BY_BUDGET}{budget_ms:g}ms"


class PointParams(Section):
    """A named point of the simplex, at a budget or at a price."""

    ops: dict[str, Share] = Field(
        min_length=1, description="Share of each operation; those not named share the rest equally"
    )
    budget_ms: Positive | None = setting(None, "Latency budget, ms")
    kappa: Positive | None = setting(None, "Price of latency")

    @field_validator("ops")
    @classmethod
    def _at_most_one(cls, ops: dict[str, float]) -> dict[str, float]:
        total = sum(ops.values())
        if total > 1 + 1e-9:
            raise ValueError(f"the shares sum to {total:g}, more than 1")
        return ops

    @model_validator(mode="after")
    def _one_price(self) -> PointParams:
        if (self.budget_ms is None) == (self.kappa is None):
            raise ValueError("give exactly one of budget_ms and kappa")
        return self


class ExtractParams(Section):
    """Which members are read off the search."""

    seed: Seed = 0
    points: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")], PointParams] = setting(
        {}, "Named points of the simplex; a name becomes the member's name"
    )
    budgets_ms: AutoOr[tuple[Positive, ...]] = setting(
        "auto", "Latency budgets, ms, or `auto`: spread over what is reachable"
    )
    budget_count: Count = setting(6, "How many budgets `auto` makes")
    candidates: Count = setting(4096, "Points (S, kappa) read from the hypernetwork")
    screened: Count = setting(160, "Candidates judged on a few images")
    finalists: Count = setting(32, "Of these, judged with re-estimated BatchNorm")
    workers: Count = setting(2, "Processes that judge")

    @field_validator("points")
    @classmethod
    def _names_of_budgets_are_taken(cls, points: dict[str, PointParams]) -> dict[str, PointParams]:
        problem = f"names that begin with {_BY_BUDGET} are those of budgets; take another"
        problems = {name: problem for name in points if name.startswith(_BY_BUDGET)}
        if problems:
            raise PydanticCustomError("points", "names of budgets", {"problems": problems})
        return points

    @field_validator("budgets_ms")
    @classmethod
    def _budgets_differ(cls, budgets_ms: str | tuple[float, ...]) -> str | tuple[float, ...]:
        names = [] if isinstance(budgets_ms, str) else [budget_name(ms) for ms in budgets_ms]
        first = [names.index(name) for name in names]
        problems = {n: f"the same as budgets_ms[{f}]" for n, f in enumerate(first) if f < n}
        if problems:
            raise PydanticCustomError("budgets", "equal budgets", {"problems": problems})
        return budgets_ms

    @model_validator(mode="after")
    def _asks_for_a_member(self) -> ExtractParams:
        if not self.budgets_ms and not self.points:
            raise ValueError("no member: give budgets_ms or points")
        return self
