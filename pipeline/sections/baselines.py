"""The named baselines of the search: settings of their own, defaults of their papers."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import model_validator

from pipeline.sections.base import Count, Positive, Section, Share, setting
from pipeline.sections.optimizers import AdamParams, OwnWeightsParams

Start = Literal["warm-up", "scratch"]
_COLD = 1e-3  # a Gumbel-softmax that is as good as its argmax


class DartsLogitsParams(AdamParams):
    """The optimiser of the logits of `darts`."""

    lr: float = setting(3e-4, "Learning rate", gt=0, le=1)
    beta1: float = setting(0.5, "Decay of the mean gradient", ge=0, lt=1)
    weight_decay: float = setting(1e-3, "Weight decay", ge=0, le=1)


class DartsWeightsParams(OwnWeightsParams):
    """The optimiser of the weights of `darts`."""

    lr: float = setting(0.025, "Learning rate at the start", gt=0, le=10)
    final_lr: float = setting(0.001, "Learning rate at the end", ge=0)
    weight_decay: float = setting(3e-4, "Weight decay", ge=0, le=1)


class FBNetLogitsParams(AdamParams):
    """The optimiser of the logits of `fbnet`."""

    lr: float = setting(0.01, "Learning rate", gt=0, le=1)
    weight_decay: float = setting(5e-4, "Weight decay", ge=0, le=1)


class FBNetWeightsParams(OwnWeightsParams):
    """The optimiser of the weights of `fbnet`."""

    weight_decay: float = setting(1e-4, "Weight decay", ge=0, le=1)


class ProxylessLogitsParams(AdamParams):
    """The optimiser of the logits of `proxylessnas`: without a mean gradient, what was not drawn
    stays where it is."""

    beta1: float = setting(0.0, "Decay of the mean gradient", ge=0, lt=1)


class DartsParams(Section):
    """The method `darts`."""

    order: Literal[1, 2] = setting(
        1, "1: the weights stand still in a step of the logits; 2: they take a step ahead"
    )
    start: Start = setting("warm-up", "Where the weights of every search start")
    adam: DartsLogitsParams = setting(DartsLogitsParams(), "Optimiser of the logits")
    weights: DartsWeightsParams = setting(
        DartsWeightsParams(), "Optimiser of the weights of a search"
    )


class FBNetParams(Section):
    """The method `fbnet`."""

    alpha: Positive = setting(0.2, "Scale of the loss")
    beta: Positive = setting(0.6, "Exponent of log latency at the middle of the prices")
    temperature: Positive = setting(5.0, "Temperature of the Gumbel-softmax at the start")
    decay: float = setting(0.045, "Temperature falls by exp(-decay) per epoch of the paper", ge=0)
    epochs: Count = setting(90, "Epochs of the paper that a search is scaled to")
    weights_first: Share = setting(
        0.11, "Share of the rounds of a search that train the weights only"
    )
    start: Start = setting("warm-up", "Where the weights of every search start")
    adam: FBNetLogitsParams = setting(FBNetLogitsParams(), "Optimiser of the logits")
    weights: FBNetWeightsParams = setting(
        FBNetWeightsParams(), "Optimiser of the weights of a search"
    )

    @model_validator(mode="after")
    def _stays_warm(self) -> FBNetParams:
        last = self.temperature * math.exp(-self.decay * self.epochs)
        if last < _COLD:
            raise ValueError(
                f"temperature falls to {last:.3g} over the {self.epochs} epochs, where no gradient "
                f"is left: lower decay = {self.decay:g}, so that it ends above {_COLD:g}"
            )
        return self


class ProxylessParams(Section):
    """The methods `proxylessnas` and `proxylessnas-r`."""

    adam: ProxylessLogitsParams = setting(ProxylessLogitsParams(), "Optimiser of the logits")
    latency: Literal["add", "mul"] = setting(
        "add", "Loss of proxylessnas: CE + kappa (E - ref) / ref, or CE (E / ref)^kappa"
    )
    paths: Count = setting(4, "Paths per step of proxylessnas-r, forward only")
    baseline: float = setting(
        0.9, "How much of its moving baseline proxylessnas-r keeps per step", ge=0, lt=1
    )


class EvolutionParams(Section):
    """The method `evolution`."""

    population: int = setting(100, "Networks alive in a search", ge=2)
    tournament: Count = setting(25, "Networks of which the best one is mutated")
    networks: Count = setting(4, "Networks judged per step")
    images: Count = setting(500, "Images that a network is judged on")

    @model_validator(mode="after")
    def _a_tournament_fits(self) -> EvolutionParams:
        if self.tournament > self.population:
            raise ValueError(
                f"tournament = {self.tournament} is above population = {self.population}; lower it"
            )
        return self
