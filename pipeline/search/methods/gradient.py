"""Searches for one price each whose logits are learned by Adam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from lightning_fabric.wrappers import _FabricOptimizer
from torch import Tensor, nn

from pipeline.search.baseline import MovingBaseline
from pipeline.search.estimators.reinforce import draw_paths, log_probability
from pipeline.search.methods.base import Setting
from pipeline.search.methods.per_price import PerPrice
from pipeline.sections.optimizers import AdamParams

_KEEP = 0.9  # of the moving cross-entropy that a drawn width is compared with


class GradientPerPrice(PerPrice):
    """One table of logits and one Adam per search."""

    def __init__(self, setting: Setting, adam: AdamParams) -> None:
        super().__init__(setting)
        self.logits = [self._parameter(search) for search in range(len(self.prices))]
        self.optimizers = [self._optimizer(logits, adam) for logits in self.logits]
        self.baselines = [MovingBaseline(_KEEP) for _ in self.prices]

    def initial(self, search: int) -> Tensor:
        """Logits (decisions, options) that a search starts from."""
        return torch.zeros(self.setting.space.mask.shape)

    def masked(self, search: int) -> Tensor:
        """The logits (decisions, options) of a search, −inf where there is no such option."""
        return self.logits[search].masked_fill(~self.setting.costs.mask, -torch.inf)

    def price(self, search: int) -> Tensor:
        """κ of a search (1,)."""
        return torch.tensor([self.prices[search]], device=self.setting.fabric.device)

    def descend(self, search: int, loss: Tensor) -> None:
        """One step of Adam down the gradient of `loss`."""
        self.optimizers[search].zero_grad(set_to_none=True)
        self.setting.fabric.backward(loss)
        self.optimizers[search].step()

    def table(self, search: int) -> Tensor:
        return self.logits[search].detach().cpu()

    def draw_widths(self, alpha: Tensor, draws: torch.Generator) -> list[int]:
        """A width of every elastic stage, drawn from the logits (decisions, options)."""
        of_widths = alpha.detach()[len(self.setting.space.decisions) :]
        if not len(of_widths):
            return []
        widths: list[int] = draw_paths(of_widths.softmax(1).cpu()[None], draws)[0].tolist()
        return widths

    def with_widths(
        self, search: int, cross_entropy: Tensor, alpha: Tensor, widths: Sequence[int]
    ) -> Tensor:
        """The cross-entropy, with the gradient of REINFORCE for the widths that were drawn: a
        stage runs at one width at a time, so that no gate tells how another would have done."""
        if not widths:
            return cross_entropy
        advantage = self.baselines[search].advantages(cross_entropy.detach()[None])
        of_widths = alpha[len(self.setting.space.decisions) :][None]
        score = advantage[0] * log_probability(of_widths, torch.tensor([widths]))[0]
        return cross_entropy + score - score.detach()

    def state(self) -> dict[str, Any]:
        return {
            **super().state(),
            "logits": [logits.detach() for logits in self.logits],
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "baselines": [baseline.mean for baseline in self.baselines],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        for search, logits in enumerate(self.logits):
            logits.data.copy_(state["logits"][search])
            self.optimizers[search].load_state_dict(state["optimizers"][search])
            self.baselines[search].mean = state["baselines"][search]

    def _parameter(self, search: int) -> nn.Parameter:
        return nn.Parameter(self.initial(search).to(self.setting.fabric.device))

    def _optimizer(self, logits: nn.Parameter, adam: AdamParams) -> _FabricOptimizer:
        made = torch.optim.Adam(
            [logits], lr=adam.lr, betas=(adam.beta1, adam.beta2), weight_decay=adam.weight_decay
        )
        wrapped = self.setting.fabric.setup_optimizers(made)
        assert isinstance(wrapped, _FabricOptimizer)
        return wrapped
