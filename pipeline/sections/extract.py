"""The extraction."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

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

    @model_validator(mode="after")
    def _asks_for_a_member(self) -> ExtractParams:
        if not self.budgets_ms and not self.points:
            raise ValueError("no member: give budgets_ms or points")
        return self
