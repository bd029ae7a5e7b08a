"""What an estimator is, and the registry of them; a new one changes nothing in the search."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor

from models.registry import Registry
from models.spaces import Space
from models.supernet import Selection
from pipeline.params import SearchParams

LossOf: TypeAlias = Callable[[Selection], Tensor]
"""The cross-entropy of what a selection runs, always on the same batch of images."""


class Estimator(ABC):
    """Draws what to run and returns a loss whose gradient reaches the logits."""

    points = 1  # points (S, κ) that one step looks at
    looks_at = (0, 0)  # how many paths it wants to see before the first step, on how many images

    def __init__(self, space: Space, params: SearchParams) -> None:
        self.space, self.params = space, params

    def prepare(self, paths: Tensor, losses: Tensor) -> None:  # noqa: B027  (most look at none)
        """Learn from the losses (n,) of the paths (n, decisions) that it wanted to see, all on the
        same images."""

    def known(self, logits: Tensor) -> Tensor:
        """Cross-entropies (n,) at logits (n, E, k) as far as those paths tell: without any, all
        are alike."""
        return logits.new_zeros(len(logits))

    @abstractmethod
    def cross_entropy(self, logits: Tensor, loss_of: LossOf, generator: torch.Generator) -> Tensor:
        """Estimated cross-entropies (n,) at n points with logits (n, E, k)."""

    def state(self) -> dict[str, Any]:
        """Everything that a restart needs."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:  # noqa: B027  (most have no state)
        """Go on from `state`."""


ESTIMATORS: Registry[type[Estimator]] = Registry("estimator")
estimator = ESTIMATORS.register  # under the name that `search.estimator` gives it
