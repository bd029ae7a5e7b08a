"""The optimisers of a search."""

from __future__ import annotations

from pydantic import model_validator

from pipeline.sections.base import Positive, Section, setting


class WeightsParams(Section):
    """The optimiser of the supernet's weights: SGD with Nesterov momentum."""

    lr: float = setting(0.1, "Peak learning rate", gt=0, le=10)
    momentum: float = setting(0.9, "Momentum", ge=0, lt=1)
    weight_decay: float = setting(5e-5, "Weight decay", ge=0, le=1)
    clip: Positive = setting(5.0, "Largest norm of a gradient")


class OwnWeightsParams(WeightsParams):
    """The optimiser of weights that only one search trains; its rate falls as a cosine."""

    final_lr: float = setting(0.0, "Learning rate at the end", ge=0)

    @model_validator(mode="after")
    def _falls(self) -> OwnWeightsParams:
        if self.final_lr > self.lr:
            raise ValueError(f"final_lr = {self.final_lr:g} is above lr = {self.lr:g}; lower it")
        return self


class AdamParams(Section):
    """The optimiser of the logits (Adam)."""

    lr: float = setting(0.001, "Learning rate", gt=0, le=1)
    beta1: float = setting(0.9, "Decay of the mean gradient", ge=0, lt=1)
    beta2: float = setting(0.999, "Decay of the mean square", ge=0, lt=1)
    weight_decay: float = setting(0.0, "Weight decay", ge=0, le=1)
