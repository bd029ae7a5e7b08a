"""Searches that run all candidates of a decision at once, on weights of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from models.supernet import Selection, single
from pipeline.search.methods.base import Setting
from pipeline.search.methods.gradient import GradientPerPrice
from pipeline.search.weights import WeightTraining, cosine
from pipeline.sections.baselines import DartsParams, FBNetParams


class Mixed(GradientPerPrice):
    """One search after the other: each has a network of its own, from the warmed-up weights or
    from scratch, that learns under the mixture of the candidates. What judges the family are
    the shared weights, as for every method; those go on along paths of the warm-up."""

    in_sequence = True

    def __init__(self, setting: Setting, options: DartsParams | FBNetParams) -> None:
        super().__init__(setting, options.adam)
        self.options = options
        net = setting.weights.net.state_dict()
        self.warmed = {name: value.detach().clone() for name, value in net.items()}
        self.own = self._weights()

    def begin_round(self) -> tuple[int, int, int]:
        """As `turn`; a search that begins gets its weights."""
        search, done, rounds = self.turn
        if done == 0:
            self.own = self._weights()
        return search, done, rounds

    def mixture(self, gates: Tensor, widths: Sequence[int]) -> Selection:
        """What runs every operation of every place by its gate (decisions, options), at widths
        of one each."""
        costs = self.setting.costs
        places, operations = costs.reg.shape
        rows = zip(gates[:places], costs.mask[:places, :operations], strict=True)
        mixed = [
            [(option, gate[option]) for option in offered.nonzero()[:, 0].tolist()]
            for gate, offered in rows
        ]
        return [*mixed, *single(widths)]

    def state(self) -> dict[str, Any]:
        return {**super().state(), "warmed": self.warmed, "own": self.own.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.warmed = state["warmed"]
        self.own = self._weights()
        self.own.restore(state["own"])

    def _weights(self) -> WeightTraining:
        """A network at the beginning of the search whose turn it is."""
        setting, options = self.setting, self.options
        params = setting.params.model_copy(update={"weights": options.weights})
        final = options.weights.final_lr / options.weights.lr
        own = WeightTraining(
            setting.space,
            setting.weights.images,
            params,
            self.turn[2],
            setting.fabric,
            setting.weights.augment,
            lambda step, steps: final + (1 - final) * cosine(step, steps),
            f"search.{params.method}.weights",
        )
        if options.start == "warm-up":
            own.net.load_state_dict(self.warmed)
        return own
