"""The search."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from pipeline.sections.base import (
    AutoOr,
    Count,
    NumberOrMap,
    Positive,
    Section,
    Seed,
    Share,
    T,
    setting,
)
from pipeline.sections.baselines import (
    DartsParams,
    EvolutionParams,
    FBNetParams,
    ProxylessParams,
)
from pipeline.sections.optimizers import WeightsParams


class HypernetParams(Section):
    """The network from a simplex point and a price to the logits, and its optimiser."""

    kind: Literal["mlp", "constant", "piecewise-linear", "pivots"] = setting(
        "mlp", "What the logits may depend on, and how"
    )
    hidden: tuple[Count, ...] = setting((64, 64), "Units of each hidden layer of mlp")
    knots: int = setting(5, "Prices at which piecewise-linear has logits", ge=2)
    width: Positive = setting(0.25, "Width h of the kernel of pivots")
    lr: float = setting(0.003, "Learning rate (Adam)", gt=0, le=1)
    rehearsal: int = setting(
        1500, "Steps on what the prepared paths say, before the first one on images", ge=0
    )
    rehearsed_lr: float = setting(
        0.001, "Learning rate on images after a rehearsal: noise forgets what it taught", gt=0, le=1
    )
    logit_bound: Positive = setting(8.0, "Largest absolute logit")

    @property
    def unread(self) -> set[str]:
        """Keys that only other kinds read."""
        read = {"mlp": "hidden", "piecewise-linear": "knots", "pivots": "width"}
        return set(read.values()) - {read.get(self.kind)}


class SamplerParams(Section):
    """The distribution of simplex points in the search."""

    kind: Literal["gumbel-softmax", "dirichlet"] = setting(
        "gumbel-softmax", "Distribution of the simplex points"
    )
    theta: NumberOrMap = setting(0.0, "Logits of gumbel-softmax: a map of operations, or 0")
    temperature: Positive = setting(1.0, "Temperature of gumbel-softmax")
    concentration: float = setting(  # single precision has no smaller gamma numbers
        1.0, "Concentration of dirichlet", ge=0.05
    )
    vertex_share: Share = setting(0.2, "Share of the points drawn at a vertex")

    @field_validator("theta")
    @classmethod
    def _differs(cls, theta: float | dict[str, float]) -> float | dict[str, float]:
        if not isinstance(theta, dict) and theta != 0:
            raise ValueError(
                "one number for all operations changes no share: write a map such as {skip: 1.0}"
            )
        return theta

    @property
    def unread(self) -> set[str]:
        """Keys that only the other kind reads."""
        return {"concentration"} if self.kind == "gumbel-softmax" else {"theta", "temperature"}


class ReinforceParams(Section):
    """The estimator `reinforce-cv`; the method `additive` fits its model likewise."""

    paths: int = setting(8, "Paths run per step, forward only", ge=2, le=64)
    points: Count = setting(32, "Simplex points per step that the additive model speaks for")
    prepared: int = setting(400, "Paths of all latencies run before the first step", ge=0)
    images: Count = setting(250, "Images that these are run on, the same for every path")
    ridge: Positive = setting(3.0, "Ridge penalty of the additive model")

    @model_validator(mode="after")
    def _a_point_per_path(self) -> ReinforceParams:
        if self.prepared == 1:
            raise ValueError("prepared = 1 compares nothing: 0, or a few hundred")
        if self.points < self.paths:
            raise ValueError(f"points = {self.points} is below paths = {self.paths}; raise points")
        return self


Price = Annotated[float, Field(ge=1e-6, le=1e6)]

_POINTS = {"sampler", "reg_weight", "reg_cost"}
_OURS = {"hypernet", "estimator", "reinforce", "temperature"} | _POINTS
_READ_BY = {"simplex": _OURS, "additive": {"reinforce", "temperature"} | _POINTS}


class SearchParams(Section):
    """The search."""

    seed: Seed = 0
    method: Literal[
        "simplex",
        "additive",
        "random",
        "darts",
        "proxylessnas",
        "proxylessnas-r",
        "fbnet",
        "evolution",
    ] = setting("simplex", "What is learned beside the shared weights")
    level: Literal["bilevel", "single"] = setting(
        "bilevel", "Whether the method learns from images of its own, or from those of the weights"
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = setting("auto", "Accelerator")
    precision: Literal["32-true", "bf16-mixed", "16-mixed", "bf16-true"] = setting(
        "32-true", "Precision of the training, as Lightning Fabric names it"
    )
    strategy: Literal["auto"] = setting("auto", "Lightning Fabric strategy: one device searches")
    batch_size: Count = setting(64, "Images per step")
    warmup_epochs: int = setting(8, "Epochs of the weights on paths that prefer nothing", ge=0)
    warmup_skip: Share = setting(0.15, "Share of skips on these paths")
    joint_steps: Count = setting(500, "Rounds: steps of the weights, then one of the method")
    weight_steps: int = setting(1, "Weight steps per round", ge=0)
    weights: WeightsParams = setting(WeightsParams(), "Optimiser of the weights")
    hypernet: HypernetParams = setting(HypernetParams(), "Hypernetwork")
    estimator: Literal["reinforce-cv", "two-path", "straight-through"] = setting(
        "reinforce-cv", "How the gradient of a sampled path reaches the logits"
    )
    reinforce: ReinforceParams = setting(
        ReinforceParams(), "Estimator reinforce-cv, and method additive"
    )
    temperature: Positive = setting(
        0.005, "Loss by which a choice must be worse to be e times rarer: simplex and additive"
    )
    searches: Count = setting(
        6, "Prices, and so searches, that share the rounds of the methods below"
    )
    darts: DartsParams = setting(DartsParams(), "Method darts")
    proxylessnas: ProxylessParams = setting(
        ProxylessParams(), "Methods proxylessnas and proxylessnas-r"
    )
    fbnet: FBNetParams = setting(FBNetParams(), "Method fbnet")
    evolution: EvolutionParams = setting(EvolutionParams(), "Method evolution")
    sampler: SamplerParams = setting(SamplerParams(), "Simplex points")
    kappa: AutoOr[tuple[Price, Price]] = setting(
        "auto", "Range [min, max] of the price of latency, or `auto`"
    )
    prices: Literal["profile", "calibrate"] = setting(
        "profile", "Latency table: as profiled, or as calibrated, when new records search anew"
    )
    reg_weight: float = setting(0.5, "Weight lambda of the simplex penalty", ge=0)
    reg_cost: Literal["uniform", "params", "macs"] = setting(
        "uniform", "Cost weight of an operation in the simplex penalty"
    )
    checkpoint_steps: Count = setting(200, "Steps between two checkpoints")

    @field_validator("kappa")
    @classmethod
    def _ascending(cls, kappa: T) -> T:
        if isinstance(kappa, tuple) and kappa[0] > kappa[1]:
            raise ValueError(f"the range is reversed; write [{kappa[1]:g}, {kappa[0]:g}]")
        return kappa

    @property
    def unread(self) -> set[str]:
        """Keys that only other methods read: a search is not another one for their sake."""
        keys = {"darts", "proxylessnas", "fbnet", "evolution"}
        section = self.method.removesuffix("-r")
        others = keys - {section} if section in keys else keys | {"searches"}
        return others | _OURS - _READ_BY.get(self.method, set())

    @property
    def decisive(self) -> dict[str, Any]:
        """What decides the result, beside the table that `prices` names, as plain data."""
        idle = dict.fromkeys(self.unread | {"prices", "checkpoint_steps"}, True)
        of_sections = {"hypernet": self.hypernet.unread, "sampler": self.sampler.unread}
        return self.model_dump(mode="json", exclude={**of_sections, **idle})

    def searches_over(self, kappa_range: tuple[float, float]) -> int:
        """How many searches a method per price makes: one where the price is fixed."""
        low, high = kappa_range
        return 1 if low == high else self.searches

    @model_validator(mode="after")
    def _every_search_gets_something(self) -> SearchParams:
        if "searches" in self.unread:
            return self
        searches = self.searches if self.kappa == "auto" else self.searches_over(self.kappa)
        rounds = self.joint_steps // searches
        if rounds < 1:
            raise ValueError(
                f"joint_steps = {self.joint_steps} is below searches = {searches}: a search "
                "would have no step; raise joint_steps"
            )
        first = self.fbnet.weights_first
        if self.method == "fbnet" and first * rounds > rounds - 1:
            raise ValueError(
                f"fbnet.weights_first = {first:g} of the {rounds} rounds of a search leaves none "
                "that learns the logits: lower it, or raise joint_steps"
            )
        evolution = self.evolution
        if self.method == "evolution" and rounds * evolution.networks <= evolution.population:
            raise ValueError(
                f"each search of evolution, of {searches} in all, judges "
                f"{rounds * evolution.networks} networks, which do not outnumber its population of "
                f"{evolution.population}: raise joint_steps or evolution.networks, or lower "
                "evolution.population"
            )
        return self

    @model_validator(mode="after")
    def _second_order_is_exact(self) -> SearchParams:
        if self.method == "darts" and self.darts.order == 2 and self.precision != "32-true":
            raise ValueError(
                "darts.order: 2 takes differences of gradients at weights that hardly differ, for "
                f"which {self.precision} is too coarse: write precision: 32-true"
            )
        return self
